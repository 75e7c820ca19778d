//! Which output of an Ingestfile holds what a pass makes, whatever its rule is called and whoever makes it.

use crate::engine::graph::{Check, Graph, Output, Run};

/// What a pass makes: by the built-ins that make it as their port, else by the schema that it is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub builtins: &'static [&'static str],
    pub port: &'static str,
    pub schema: &'static str,
}

impl Kind {
    pub const TOC: Self = Self { builtins: &["toc", "import_toc"], port: "toc", schema: "passA_toc.schema.json" };
    pub const ELEMENTS: Self =
        Self { builtins: &["parse", "import_chunks"], port: "elements", schema: "passC_elements.schema.json" };
    pub const CHUNKS: Self = Self { builtins: &["chunk", "import_chunks"], port: "chunks", schema: "passC_chunks.schema.json" };
    pub const ENRICHED: Self = Self { builtins: &["enrich"], port: "enriched", schema: "passD_enriched.schema.json" };
    pub const GRAPH: Self = Self { builtins: &["graph"], port: "graph", schema: "passE_graph.schema.json" };
    pub const CLEAN: Self = Self { builtins: &["validate"], port: "clean", schema: "passF_clean.schema.json" };

    /// The output that holds it: that of a built-in, or of a command which is judged by the same schema.
    #[must_use]
    pub fn output(self, graph: &Graph) -> Option<&Output> {
        let by_builtin = graph.rules.iter().find_map(|rule| match &rule.run {
            Run::Builtin { builtin, .. } if self.builtins.contains(&builtin.name) => {
                rule.outputs.iter().find(|o| o.name == self.port)
            }
            _ => None,
        });
        let by_schema = || {
            graph.rules.iter().find_map(|rule| {
                let is_it = |file: &String| file.rsplit('/').next() == Some(self.schema);
                let gate = rule.gates.iter().find(|g| g.check == Check::Schema && g.files.first().is_some_and(is_it))?;
                rule.outputs.get(gate.output)
            })
        };
        by_builtin.or_else(by_schema)
    }
}
