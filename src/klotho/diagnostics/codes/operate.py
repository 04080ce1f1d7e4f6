"""Codes of running and operating an application: `dev`, `exec`, `shell`, `tunnel`, `config`, `doctor`. None has an
example program: each needs a cloud, a file that was saved or a command besides."""

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "not-allowed-here",
        "The environment is protected, and the command would reach into what runs there.",
        "`dev`, `exec`, `shell` and `tunnel` go around what was reviewed and deployed.",
        "Use another environment, or add `allow: [exec]` (`shell`, `tunnel`, `dev`) below its name in `klotho.yaml`.",
    ),
    Page(
        "code-does-not-start",
        "A file was saved while `klotho dev` runs, and the code made of it does not start.",
        "What served before goes on serving, so that the application stays usable.",
        "Correct the marked line and save; the reason is what the program itself said at its start.",
    ),
    Page(
        "watch-refused",
        "The system does not watch the files of the application.",
        "`klotho dev` could not tell what is saved.",
        "Raise the limit (Linux: `sysctl fs.inotify.max_user_watches=524288`), or keep large folders elsewhere.",
    ),
)
