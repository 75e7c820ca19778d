# The commands of random build graphs: reads words out of its files, changes them op by op, and writes them as JSON (`json`),
# as lines (`lines`, with a last line of `-` unless `bare`), or into one file per first or last letter (`dir`, `by`).
# `words.rs` says the same in Rust.

{ gsub(/[^A-Za-z]+/, " "); n = split($0, found, " "); for (i = 1; i <= n; i++) W[++N] = found[i] }

function keep(letter, yes,   i, m) {
    m = 0
    for (i = 1; i <= N; i++) if ((index(W[i], letter) > 0) == yes) W[++m] = W[i]
    N = m
}
function sort(   i, j, w) {
    for (i = 2; i <= N; i++) {
        w = W[i]
        for (j = i - 1; j > 0 && (W[j] "") > (w ""); j--) W[j + 1] = W[j]
        W[j + 1] = w
    }
}
function once(   i, m, seen) {
    m = 0
    for (i = 1; i <= N; i++) if (!(W[i] in seen)) { seen[W[i]] = 1; W[++m] = W[i] }
    N = m
}
function change(op, arg,   i, w) {
    if (op == "upper") for (i = 1; i <= N; i++) W[i] = toupper(W[i])
    else if (op == "sort") sort()
    else if (op == "with") keep(arg, 1)
    else if (op == "without") keep(arg, 0)
    else if (op == "head") { if (N > arg + 0) N = arg + 0 }
    else if (op == "once") once()
    else if (op == "count") { w = "n"; for (i = 0; i < N; i++) w = w "i"; W[1] = w; N = 1 }
    else if (op == "prefix") for (i = 1; i <= N; i++) W[i] = arg W[i]
    else if (op == "env") { if (ENVIRON[arg] != "") W[++N] = ENVIRON[arg] }
    else if (op == "refuse") for (i = 1; i <= N; i++) if (index(W[i], arg)) { print "refused: " W[i]; exit 3 }
}
END {
    if (N == "") N = 0
    k = split(ops, O, " ")
    for (o = 1; o <= k; o++) { split(O[o], part, ":"); change(part[1], part[2]) }
    if (json != "") {
        printf "[" > json
        for (i = 1; i <= N; i++) printf "%s{\"_\":\"%s\"}", (i > 1 ? ",\n" : ""), W[i] > json
        print "]" > json
    }
    if (lines != "") {
        printf "" > lines
        for (i = 1; i <= N; i++) print W[i] > lines
        if (!bare) print "-" > lines
    }
    if (dir != "") for (i = 1; i <= N; i++) {
        letter = tolower(by == "last" ? substr(W[i], length(W[i])) : substr(W[i], 1, 1))
        print W[i] > (dir "/" letter ".txt")
    }
}
