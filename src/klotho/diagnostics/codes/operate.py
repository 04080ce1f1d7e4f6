"""Codes of running and operating an application: `dev`, `exec`, `shell`, `tunnel`, `config`, `doctor`. None has an
example program: each needs a cloud, a file that was saved or a command besides."""

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "setting-not-set",
        "`klotho config get` was given a key that `klotho.yaml` does not set.",
        "There is nothing to show; what is not set has its default.",
        "Correct the key (`klotho config ls` shows those that are set), or set it with `klotho config set`.",
    ),
    Page(
        "command-missing",
        "`klotho exec` was to run a program that is not there.",
        "It looks along the service's PATH, then along your own.",
        "Correct the name, or install the program.",
    ),
    Page(
        "database-unknown",
        "`klotho tunnel` was given a name that is no database a deployed service uses.",
        "The login of a tunnel is that of a service that uses the database.",
        "Correct the name; if nothing uses the database yet, let a service read from it and run `klotho up`.",
    ),
    Page(
        "session-plugin-missing",
        "AWS's Session Manager plugin is not installed on this machine.",
        "A shell in a container of AWS, and a tunnel through one, are connected by that program.",
        "Install `session-manager-plugin`, and run the command again.",
    ),
    Page(
        "exec-not-enabled",
        "The tasks of the service run without ECS Exec.",
        "AWS lets nobody into a container that was started without it.",
        "Add `allow: [exec]` to the environment in `klotho.yaml` and run `klotho up`: containers get it.",
    ),
    Page(
        "no-process-to-enter",
        "The service has no running process on AWS that could be entered.",
        "A function runs only while it is called, and a service without a running task has nothing to enter.",
        "Name a container; see `klotho status` when it should run.",
    ),
    Page(
        "local-port-taken",
        "Another program listens on the port of this machine that a tunnel was to have.",
        "Two programs can't share a port.",
        "Choose another one with `--port`.",
    ),
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
