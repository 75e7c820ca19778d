//! Where a reader stands among open lists and quotes, which decides what a run of text is.
//! Knows no syntax.

use crate::document::flow::FlowKind;

/// The open lists, list items and quotes around a text.
#[derive(Debug, Default)]
pub struct Place {
    /// The next number of each open list, if it is numbered.
    lists: Vec<Option<u64>>,
    /// For each open item, its marker until its first block ends ("" in a list without numbers).
    items: Vec<Option<String>>,
    quotes: usize,
}

impl Place {
    /// A list opens; `first` is its first number.
    pub fn open_list(&mut self, first: Option<u64>) {
        self.lists.push(first);
    }

    pub fn close_list(&mut self) {
        self.lists.pop();
    }

    /// An item opens, numbered `number` or as its list says.
    pub fn open_item(&mut self, number: Option<u64>) {
        let marker = match self.lists.last_mut() {
            Some(Some(next)) => {
                let n = number.unwrap_or(*next);
                *next = n.saturating_add(1);
                format!("{n}. ")
            }
            _ => String::new(),
        };
        self.items.push(Some(marker));
    }

    pub fn close_item(&mut self) {
        self.items.pop();
    }

    pub fn open_quote(&mut self) {
        self.quotes += 1;
    }

    pub fn close_quote(&mut self) {
        self.quotes = self.quotes.saturating_sub(1);
    }

    /// What the text that ends here is: the first text of an item is the item and takes its number, text in quotes is a
    /// quote, all else a paragraph.
    pub fn settle(&mut self, text: &mut String) -> FlowKind {
        match self.items.last_mut().and_then(Option::take) {
            Some(marker) => {
                text.insert_str(0, &marker);
                FlowKind::ListItem { depth: u8::try_from(self.lists.len().saturating_sub(1)).unwrap_or(u8::MAX) }
            }
            None if self.quotes > 0 => FlowKind::Quote,
            None => FlowKind::Paragraph,
        }
    }
}
