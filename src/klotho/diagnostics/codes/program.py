"""Codes for mistakes in the user's program: what the SDK and the validation of the application report."""

from klotho.diagnostics.codes.page import Page

_START = 'import klotho\nfrom klotho import API, Compute, Databases\n\nklotho.Application("shop")\n'
_GUARDED = (
    _START
    + 'login = klotho.Auth.OIDC("login", issuer="https://login.example.com", audience="shop")\napi = API("api")\n'
    'orders = Compute.Container("orders", image="nginx")\napi.attach_service(orders, route="/orders")\n'
)

PAGES: tuple[Page, ...] = (
    Page(
        "program-missing",
        "The program's file is not there, or can't be read.",
        "Without it there is nothing to run.",
        "Write an `infra.py` here (`klotho init` makes one), or name the program's path.",
    ),
    Page(
        "program-syntax",
        "The program, or a module it imports, is no valid Python.",
        "Python reads all of a file before it runs any of it, so nothing else of it could be checked.",
        "Correct the marked place; the mistake may also be just before it, such as a parenthesis left open.",
        _START + 'Databases.Postgres("orders_db"\n',
    ),
    Page(
        "program-raised",
        "Python code of the program raised an exception, shown at the program's own line.",
        "The program stopped there, so what comes after it was not read.",
        "Correct the marked line; `called from here` shows how it was reached.",
        _START + "services = {}\nservices['orders']\n",
    ),
    Page(
        "program-exited",
        "The program ended itself, for example by `sys.exit()`, with an error or without one.",
        "What comes after it was not read, and what is not read would be removed by the next `klotho up`.",
        "Remove the exit, so that the program runs to its end.",
        _START + "raise SystemExit('not today')\n",
    ),
    Page(
        "missing-module",
        "The program imports a module that is not installed where Klotho runs, and not beside the program.",
        "The program stopped there, so what comes after it was not read.",
        "Correct the name, install the package where Klotho is installed, or put the file beside the program.",
        _START + "import jsonn\n",
    ),
    Page(
        "empty-program",
        "The program ran, but describes no construct.",
        "There is nothing to build.",
        'Add a construct, for example `klotho.Compute.Container(name="web", context="./web")`.',
        _START,
    ),
    Page(
        "no-application",
        "Constructs are made without an Application, or before it.",
        "The application's name is part of every deployed name, so it comes first.",
        'Put `klotho.Application("…")` at the top of the program.',
        'from klotho import Databases\n\nDatabases.Postgres("orders_db")\n',
    ),
    Page(
        "two-applications",
        "The program makes a second Application.",
        "A program describes one application, and one only.",
        "Keep one. Several applications of a project are several programs with the same `project=`.",
        _START + 'klotho.Application("again")\n',
    ),
    Page(
        "unknown-kind",
        "Klotho, or one of its namespaces such as `Compute`, has no construct of this name.",
        "Nothing can be made of it; what the program does with it is passed over.",
        "Use the name in the help line, or one of those listed.",
        _START + 'Compute.Contaner("orders", context="./orders")\n',
    ),
    Page(
        "unknown-construct",
        "Something refers to a construct that is not in the application.",
        "A relationship or an output needs both its ends.",
        "Define the construct, or correct the name in the help line.",
    ),
    Page(
        "unknown-attribute",
        "The construct has no verb, output or other attribute of this name.",
        "What the line was meant to say would be lost.",
        "Use the name in the help line; the notes list the verbs and outputs it has, or which kinds have the verb.",
        _START + 'orders = Compute.Container("orders", context="./orders")\norders.reads_form(orders)\n',
    ),
    Page(
        "unknown-argument",
        "A construct, verb or directive was given an argument it does not have.",
        "Ignoring it would build something else than was asked for.",
        "Use the name in the help line, or leave it out.",
        _START + 'Databases.Postgres("orders_db", storage=20)\n',
    ),
    Page(
        "missing-argument",
        "An argument that has no default was not given.",
        "Klotho does not guess what it can't know.",
        "Give the argument.",
        _START + 'Compute.Function("invoice")\n',
    ),
    Page(
        "extra-argument",
        "More arguments were given by position than there are, or one was given twice.",
        "It is not clear which is meant.",
        "Give the arguments by name, each once.",
        _START + 'Compute.Container("orders", "./services/orders")\n',
    ),
    Page(
        "wrong-argument",
        "An argument has a value of the wrong type, or out of its range.",
        "It would fail later, on AWS, with a message that does not know your line.",
        "Give a value as the message says.",
        _START + 'Compute.Container("orders", context="./orders", port="8080")\n',
    ),
    Page(
        "conflicting-arguments",
        "Two arguments contradict each other.",
        "Either could be meant.",
        "Keep one of them, as the help line says.",
        _START + 'Compute.Container("orders", context="./orders", image="nginx")\n',
    ),
    Page(
        "bad-name",
        "The name of a construct holds a character that a name can't have, or is too long.",
        "Names become parts of AWS names, of DNS names and of file names.",
        "Start with a letter and use letters, digits, `_`, `-` and `.`, at most 63.",
        _START + 'Databases.Postgres("orders db")\n',
    ),
    Page(
        "name-taken",
        "Two constructs of one kind have the same name.",
        "The name is what they are told apart by, at deploy and at run time.",
        "Give one of them another name.",
        _START + 'Databases.Postgres("orders_db")\nDatabases.Postgres("orders_db")\n',
    ),
    Page(
        "not-a-construct",
        "A verb was given something that is no construct, such as a name or a list.",
        "A relationship is between two constructs.",
        "Give the variable that holds the construct; for several, call the verb once for each.",
        _START + 'orders = Compute.Container("orders", context="./orders")\norders.reads_from("orders_db")\n',
    ),
    Page(
        "not-assignable",
        "An attribute of a construct was assigned or deleted.",
        "A construct says what is needed where it is made; changing it afterwards would depend on the order of lines.",
        "Give the value as an argument where the construct is made.",
        _START + 'orders = Compute.Container("orders", context="./orders")\norders.port = 8080\n',
    ),
    Page(
        "directive-repeated",
        "A construct is told twice what to `use`.",
        "Both can't be followed.",
        "Keep one of them.",
        _START + 'carts = Databases.KeyValue("carts")\ncarts.use("dynamodb")\ncarts.use("dynamodb")\n',
    ),
    Page(
        "secret-in-environment",
        "A secret output, such as a database's password, is written into an environment variable or another text.",
        "It would be readable in the template, in the console and in every listing of processes.",
        "Relate the service to the construct and fetch the secret at run time: "
        '`klotho.config.datastores.get("orders_db").password`.',
        _START + 'db = Databases.Postgres("orders_db")\n'
        'Compute.Container("orders", context="./orders", environment={"PASSWORD": db.password})\n',
    ),
    Page(
        "bad-schedule",
        "`every` is no rate, `cron` is no cron expression, or `timezone` is no time zone.",
        "AWS would refuse the schedule, or run it at another time than you mean.",
        "`every` is a number and minutes, hours, days or weeks. `cron` has six fields (minutes, hours, day of month, "
        "month, day of week, year) and `?` in one of the two day fields: `0 9 ? * MON-FRI *`.",
        _START + 'klotho.Schedule("nightly", cron="0 3 * * *")\n',
    ),
    Page(
        "bad-filter",
        "`filter=` of `subscribes_to` is no filter policy of SNS, or asks for something the message does not have.",
        "AWS would refuse the subscription, or it would never get a message.",
        'Give a list of conditions for each name: values, or mappings such as `{"prefix": "eu-"}`, `{"suffix": …}`, '
        '`{"anything-but": […]}`, `{"numeric": [">", 0]}`, `{"exists": True}`. Objects inside of objects need '
        '`filter_on="body"`.',
        _START + 'orders = klotho.Messaging.Topic("orders")\njobs = klotho.Messaging.Queue("jobs")\n'
        'jobs.subscribes_to(orders, filter={"kind": "order"})\n',
    ),
    Page(
        "value-known-at-deploy",
        "An output such as `db.port` was calculated with, converted to a number, or compared.",
        "An output is text that stands for a value which exists once the construct is deployed; while the program runs "
        "there is nothing to calculate with.",
        "Put it into `environment=` as it is, or into an f-string, and calculate or compare in the service.",
        _START + 'db = Databases.Postgres("orders_db")\nint(db.port)\n',
    ),
    Page(
        "bad-route",
        "The text of a route is no route.",
        "The API could not serve it.",
        "Start with `/`; write parameters as `{id}`; everything below a route is served by itself.",
        _START + 'orders = Compute.Container("orders", context="./orders")\n'
        'API("shop-api").attach_service(orders, route="orders")\n',
    ),
    Page(
        "domain-contradiction",
        "A domain is told two different things: two certificates, two zones, or two things it leads to.",
        "A domain that is named twice is one domain, so both can't hold.",
        "Keep one of them.",
        _START + 'one, other = API("one"), API("other")\n'
        'klotho.Domain("shop.example", exposes=one)\nklotho.Domain("shop.example", exposes=other)\n',
    ),
    Page(
        "route-clash",
        "Two services are attached to the same route and method of one API.",
        "A request can be answered by one of them only.",
        "Give one another route, or tell them apart by `methods=`.",
        _START + 'orders = Compute.Container("orders", context="./orders")\napi = API("shop-api")\n'
        'api.attach_service(orders, route="/orders")\napi.attach_service(orders, route="/orders")\n',
    ),
    Page(
        "bad-issuer",
        "The issuer of an `Auth.OIDC` is no https URL.",
        "Its keys could not be fetched, or somebody on the way could give others.",
        "Copy `issuer` from the provider's discovery document. `http` is taken for this machine alone, for tests.",
        _START + 'klotho.Auth.OIDC("login", issuer="http://login.example.com", audience="shop")\n',
    ),
    Page(
        "two-authenticators",
        "Two `authenticates_with` are about the same route and method of one API.",
        "A request can meet one of them only.",
        "Keep one, give the other another route, or tell them apart by `methods=`. For two providers on one route "
        "write a function that knows both.",
        _GUARDED + "api.authenticates_with(login)\napi.authenticates_with(login)\n",
    ),
    Page(
        "public-and-authenticated",
        "A route is attached with `public=True`, and an `authenticates_with` is about exactly that route.",
        "Only one of the two can be meant.",
        "Leave one of them out.",
        _GUARDED + 'api.attach_service(orders, route="/health", public=True)\n'
        'api.authenticates_with(login, route="/health")\n',
    ),
    Page(
        "nothing-served",
        "`authenticates_with` names a route at which no service is attached, nor above or below it.",
        "What you meant to guard may be open.",
        "Correct the route: the help line has the nearest one.",
        _GUARDED + 'api.authenticates_with(login, route="/order")\n',
    ),
    Page(
        "guarded-below-open",
        "`authenticates_with` guards a part of what one service serves, and the rest of it is open.",
        "API Gateway compares paths as they are written: `//admin`, `/Admin`, `/admin%2f` and perhaps `/admin/` are "
        "not `/admin`, and reach the service through its open route. Frameworks often take them for the same.",
        "Guard the whole API by `api.authenticates_with(login)`, and attach what is open with `public=True`.",
        _GUARDED + 'api.authenticates_with(login, route="/orders/admin")\n',
    ),
)
