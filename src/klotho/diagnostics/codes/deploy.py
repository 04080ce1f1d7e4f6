"""Codes of settings, packaging, deployment and the command line. None has an example program: each needs a klotho.yaml,
a folder, a cloud or a command besides."""

from klotho.diagnostics.codes.page import Page

_SETTINGS = (
    Page(
        "settings-unreadable",
        "`klotho.yaml` can't be read, or is no valid YAML.",
        "Without it Klotho would deploy with other names or to another place than you said.",
        "Correct the marked line; YAML is indented by spaces, and a text with `:` or `#` in it needs quotes.",
    ),
    Page(
        "settings-shape",
        "A part of `klotho.yaml` that should hold keys holds something else.",
        "What it says can't be understood.",
        "Write `key: value` lines below it.",
    ),
    Page(
        "settings-key-unknown",
        "`klotho.yaml` has a key that is no setting.",
        "A mistyped setting that is ignored would be worse than one that stops you.",
        "Correct the name, or remove the line.",
    ),
    Page(
        "settings-not-yet",
        "`klotho.yaml` has a key that a later release understands.",
        "It would have no effect now.",
        "Remove it until then; `use(…)` and `override(…)` in infra.py say the same for single constructs.",
    ),
    Page(
        "settings-value",
        "A setting has a value it can't have.",
        "Klotho can't tell what was meant.",
        "Write a value as the message describes it.",
    ),
    Page(
        "settings-target-missing",
        "An environment in `klotho.yaml` does not say whether it is on this machine or on AWS.",
        "An environment named `prod` that quietly ran on this machine would surprise you.",
        "Write `target: local` or `target: aws` below its name; only the one named `local` needs none.",
    ),
    Page(
        "environment-unknown",
        "The environment you named is not in `klotho.yaml`.",
        "Only `local` exists without being written down.",
        "Correct the name, or add it under `environments:`.",
    ),
    Page(
        "environment-not-named",
        "A command ran under CI without `--env`.",
        "CI must say where it deploys: the default is meant for a person at a desk.",
        "Add `--env NAME`.",
    ),
)

_PACKAGING = (
    Page(
        "handler-file-missing",
        "The file that a function's `handler=` names is not there.",
        "There would be nothing to run.",
        "Correct the handler, or write the file.",
    ),
    Page(
        "function-does-not-parse",
        "A Python, JavaScript or TypeScript file that a function imports has a syntax error.",
        "The function would fail when it is first called.",
        "Correct the marked line.",
    ),
    Page(
        "runtime-not-supported",
        "A function asks for a runtime that Klotho can't package.",
        "It would not start.",
        "Use Python, Node.js or Go, or make it a `Compute.Container`.",
    ),
    Page(
        "mixed-architectures",
        "A function's package holds native code for two kinds of processor.",
        "Lambda runs a function on one kind; the other part would fail when it is loaded.",
        "Ship one of the two, and install packages for one platform.",
    ),
    Page(
        "function-too-large",
        "A function with its packages is beyond 250 MB unzipped, or beyond 10 GB as an image. The largest parts are "
        "named.",
        "Lambda does not take it, and layers count too.",
        "Without a `use` of yours `klotho up` makes it an image by itself. Else ship it as an image "
        '(`report.use("lambda-image")`, or `use: lambda-image` in klotho.yaml), or leave out '
        "packages it does not need: a manifest beside the handler holds what this function needs only.",
    ),
    Page(
        "provider-incomplete",
        "A package that Klotho was installed with is missing, or is not the pure Python it should be.",
        "The function that makes login roles in databases is packaged from it, without a network.",
        "Install Klotho again.",
    ),
    Page(
        "dependencies-unreadable",
        "A manifest or lock of a function's packages can't be understood, or is of a kind that is not read.",
        "The function's packages can't be installed without it.",
        "Correct the marked line.",
    ),
    Page(
        "site-not-built",
        "The build command of a site could not be run, failed or did not end; its last lines are shown.",
        "There is nothing new to publish. What was published before is still served.",
        "Run the command in its folder, correct what it says, then run `klotho up` again.",
    ),
    Page(
        "site-incomplete",
        "The folder of a site is not there after its build, lacks a page, or holds a name no address can have.",
        "Visitors would get an error.",
        "See that the build command writes that folder and page, or name another one: `directory=`, `index=`.",
    ),
    Page(
        "site-link-leaves",
        "A symbolic link in a site's folder leads out of it, or to a folder.",
        "It would publish what lies elsewhere on this machine.",
        "Copy what it leads to into the folder, or remove the link.",
    ),
    Page(
        "invalidation-not-done",
        "The CDN did not finish forgetting old files in time.",
        "The new files are in place, but some visitors still see old ones.",
        "Run `klotho up` again: it goes on waiting.",
    ),
    Page(
        "dependencies-not-installed",
        "The installer could not install a function's packages; its last lines are shown.",
        "The function would fail when it imports them.",
        "Do what the installer says: most often a name or version that does not exist, or no network.",
    ),
    Page(
        "dependency-is-local",
        "A function's dependencies name a folder that is no package of the program's repository.",
        "It would not be there on another machine, so that the same commit would give another zip.",
        "Make it a package in the repository, or import the files: what a handler imports is found and shipped.",
    ),
    Page(
        "installer-missing",
        "A function needs `npm`, `pnpm` or `yarn`, by the lock that was found, or `go`, and it is not on this machine. "
        "TypeScript needs `npm` once, which brings the bundler.",
        "Packages can't be installed without the installer that locked them, and Go programs are compiled here.",
        "Install Node.js 20 or later, which brings npm; `npm install --global pnpm yarn` brings the others; Go is at "
        "https://go.dev/dl.",
    ),
    Page(
        "server-missing",
        "`Databases.MySQL` runs on a MariaDB or MySQL server here, and none is on this machine.",
        "No Python package brings one, and Klotho installs nothing on its own account.",
        "Install MariaDB: `sudo apt-get install mariadb-server-core mariadb-client-core`, or `brew install mariadb`; "
        "it need not run.",
    ),
    Page(
        "image-not-built",
        "A container's image could not be built; the line of the Dockerfile is named.",
        "There is nothing to start.",
        "Correct that line. What a Dockerfile may hold without a container engine is in docs/containers.md.",
    ),
)

_DEPLOYMENT = (
    Page(
        "preview-disagrees",
        "`klotho preview --verify` asked CloudFormation, and it would change something else than the preview says.",
        "A preview that is wrong about one resource may be wrong about what it loses.",
        "Go by CloudFormation's word. It is a bug of Klotho, or a drift of the stack: `klotho drift` tells.",
    ),
    Page(
        "update-refused",
        "`klotho preview --verify` asked CloudFormation, and it would not begin the update of a stack.",
        "`klotho up` would fail there.",
        "Remove the reason that is shown, then preview again.",
    ),
    Page(
        "stack-failed",
        "A resource could not be created, changed or deleted; its first cause is shown.",
        "CloudFormation rolled its stack back to what it was before; stacks that need it were not touched.",
        "Fix the cause and run `klotho up` again: what is done already is not done twice.",
    ),
    Page(
        "unit-failed",
        "Everything is deployed, but a service, database or API of the application does not run.",
        "Its address does not answer, or another program answers there; the reason is shown.",
        "Remove the reason, for example the program that holds the port, and run `klotho up` again.",
    ),
    Page(
        "application-elsewhere",
        "An application of the same name and project was brought up from another folder.",
        "Going on would replace that application, or delete its data.",
        "Give this one another name, in `Application(…)` or as `app:` in klotho.yaml, or another `project=`. If it is "
        "the same application and has moved, add `--take-over`.",
    ),
    Page(
        "application-ambiguous",
        "The program can't say which application it is, and several were brought up from its folder.",
        "Klotho does not guess which one a command is for.",
        "Add `--app NAME`, and `--project NAME` where it has one.",
    ),
    Page(
        "environment-protected",
        "`klotho.yaml` says `protect: true` for the environment, and the command would delete its data.",
        "Protection is there so that nobody deletes data by a flag.",
        "Remove `protect: true` first, if the data may go.",
    ),
    Page(
        "local-cloud",
        "The local cloud could not be started or stopped; its last lines are shown.",
        "Nothing runs without it.",
        "Do what the lines say; running the command again is always safe.",
    ),
    Page(
        "newer-data",
        "The local cloud's data were written by a newer Klotho.",
        "An older one can't read them, and would damage them if it tried.",
        "Update Klotho, or delete the data with `klotho down --delete-data APPLICATION` if it may go.",
    ),
    Page(
        "damaged-data",
        "A database file of the local cloud can't be read.",
        "What is deployed is written there, so nothing can be started.",
        "Put the file back from a backup, or delete the data with `klotho down --delete-data APPLICATION` and begin "
        "anew.",
    ),
    Page(
        "port-in-use",
        "Another program holds a port that the local cloud gave out earlier.",
        "Addresses stay the same between runs, so the local cloud does not take another one.",
        "End the program that is named, and run the command again.",
    ),
    Page(
        "other-region",
        "The local cloud's data belong to another region than the one that is asked for.",
        "The region is part of the names of everything that is deployed.",
        "Use the region that is named, or delete the data with `klotho down --delete-data APPLICATION`.",
    ),
    Page(
        "state-folder",
        "The folder where Klotho keeps data can't be written to, or is no folder.",
        "The local cloud keeps everything there.",
        "Make it a folder you may write to, or set XDG_STATE_HOME to one.",
    ),
    Page(
        "not-installed",
        "A Python package that the local cloud needs is not installed.",
        "It does not start without it.",
        "Run `pip install 'klotho[local]'` where Klotho is installed.",
    ),
    Page(
        "not-running",
        "The local cloud of this environment is stopped, or was never brought up.",
        "There is nothing to read.",
        "Run `klotho up`.",
    ),
    Page(
        "cloud-unreachable",
        "The cloud's API did not answer.",
        "The command could not go on; what had begun goes on in the cloud.",
        "See `klotho status`, and run the command again.",
    ),
    Page(
        "credentials-refused",
        "The cloud did not accept the credentials, or there are none.",
        "No call is possible without them.",
        "Log in again, or check which profile is in use.",
    ),
    Page(
        "call-refused",
        "The cloud refused a call; its own words are shown.",
        "The stack it was for could not be deployed.",
        "Do what the cloud says; run `klotho up` again.",
    ),
)

_COMMANDS = (
    Page(
        "usage",
        "The command line has a command, option or value that does not exist.",
        "Klotho can't tell what was meant.",
        "See `klotho COMMAND --help`.",
    ),
    Page(
        "would-overwrite",
        "`klotho init` found files that it would have to overwrite.",
        "Your files are never overwritten.",
        "Name a new folder: `klotho init NAME`.",
    ),
    Page(
        "output-folder-taken",
        "A build would write to a folder that is not its own: it holds other files, or is a file or a link.",
        "A build replaces and removes only what an earlier build wrote; your files are never touched.",
        "Name a folder that is missing or empty, or holds an earlier build: `klotho build --out DIR`.",
    ),
    Page(
        "file-refused",
        "The operating system refused a file or folder; its own words are shown.",
        "Klotho can't read or write what it has to.",
        "Check the path, its permissions and the space on the disk.",
    ),
    Page(
        "output-unknown",
        "No output has the name you asked for.",
        "There is no value to show.",
        "Run `klotho outputs` for all names.",
    ),
    Page(
        "service-unknown",
        "No service with a log has the name you asked for.",
        "There is no log to show.",
        "Run `klotho logs` without a name, or correct it.",
    ),
    Page(
        "cancelled",
        "You said no, or pressed Ctrl-C.",
        "The command ended before it was done. What it had begun in the cloud goes on by itself; the message says so "
        "when there is such a thing.",
        "Run the command again: what is done already is not done twice.",
    ),
    Page(
        "internal-error",
        "Klotho itself has a mistake.",
        "The command could not go on; the details are in the file that is named.",
        "Report it with that file. It holds the command, the versions and the place in Klotho's code.",
    ),
)

_DOMAINS = (
    Page(
        "zone-missing",
        "A domain's certificate is to be made, and this account has no public hosted zone for the domain.",
        "The certificate is validated by a record in the domain's DNS. A stack would wait for it for hours, so "
        "nothing was deployed.",
        "Make the record that is named where the domain's DNS is kept, then name the certificate: "
        '`Domain(…, certificate="arn:…")`. Or make a hosted zone, or give a certificate with `attach_cert`.',
    ),
    Page(
        "certificate-pending",
        "ACM did not validate a domain's certificate for half an hour.",
        "The certificate was asked for and its record made in the hosted zone; ACM looks for it in the public DNS, "
        "which asks the name servers your registrar names.",
        "Compare them (`dig NS DOMAIN`) with those of the hosted zone, correct them at the registrar, and run "
        "`klotho up` again: it goes on waiting for the same certificate.",
    ),
    Page(
        "certificate-refused",
        "ACM did not make a domain's certificate.",
        "ACM gives up after 72 hours without the record, and for names it does not issue for; its reason is shown.",
        "Do away with the reason and run `klotho up` again: it asks for a new one. Or give one with `attach_cert`.",
    ),
)

_SECRETS = (
    Page(
        "secret-not-set",
        "A secret of the program is deployed and has no value yet.",
        "The program only names it, and code that reads it gets an error until somebody sets it.",
        "Run `klotho secret set NAME` and type the value, or pipe it in.",
    ),
    Page(
        "secret-unknown",
        "The program has no secret of the name you gave.",
        "A value for a secret nobody reads would only lie around.",
        "Correct the name, or add `klotho.Secret(name)` to the program and run `klotho up`.",
    ),
    Page(
        "secret-not-deployed",
        "The secret is in the program and was not brought up yet.",
        "Values are kept in the environment's secret store and nowhere else, and there is none yet.",
        "Run `klotho up` first: it makes the secret empty. Then set its value.",
    ),
    Page(
        "secret-argument",
        "The value of a secret was given on the command line.",
        "It would stay in the shell's history and show in every listing of processes.",
        "Type it when asked, or pipe it: `klotho secret set NAME < file`. If it was real, renew it at its source.",
    ),
    Page(
        "secret-value",
        "The value given for a secret is missing, empty, not text, or beyond 65,536 bytes.",
        "Secrets Manager does not take it.",
        "Pipe another one: `klotho secret set NAME < file`. Encode bytes that are no text as base64.",
    ),
)

PAGES: tuple[Page, ...] = (*_SETTINGS, *_PACKAGING, *_DEPLOYMENT, *_DOMAINS, *_SECRETS, *_COMMANDS)
