"""Codes of programs in Go, found when a function of them is packaged. None has an example program: each needs Go files,
and most its toolchain."""

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "go-module-missing",
        "A function's Go file is in no module: neither its folder nor one above it in the repository has a go.mod.",
        "Go compiles modules: go.mod says what the program's packages are called and which versions it needs.",
        "Run `go mod init NAME` and `go mod tidy` in the program's folder, and commit go.mod and go.sum.",
    ),
    Page(
        "go-no-program",
        "A function's handler names a Go file that is no program, or another function than `main`.",
        "Lambda starts a Go function as a program of its own: `main` of `package main`, which hands the handler to "
        "`lambda.Start`.",
        'Name the file with `func main()`: `handler="functions/thumb/main.main"`.',
    ),
    Page(
        "go-does-not-compile",
        "The Go compiler refuses a function's program, or something it imports.",
        "There is nothing to run; what is deployed goes on serving.",
        "Correct the marked lines; `go build ./FOLDER` says the same. What go.mod lacks, `go mod tidy` adds.",
    ),
)
