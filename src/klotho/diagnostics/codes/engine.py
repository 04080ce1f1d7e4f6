"""Codes for what the engine finds: implementations, relationships, sizes, outputs."""

from klotho.diagnostics.codes.page import Page

_START = 'import klotho\nfrom klotho import API, Compute, Databases\n\nklotho.Application("shop")\n'
_DOMAIN = (
    'import klotho\n\nklotho.Application("shop")\n'
    'domain = klotho.Domain("shop.example", exposes=klotho.API("shop-api"))\n'
)
_MESSAGING = 'import klotho\nfrom klotho import Compute, Messaging\n\nklotho.Application("shop")\n'
_LOGIN = (
    'import klotho\n\nklotho.Application("shop")\n'
    'klotho.Auth.OIDC("login", issuer="https://login.example.com", audience="shop")\n'
)

_SITE = 'import klotho\nfrom klotho import Compute, Site\n\nklotho.Application("shop")\n'

_SITES = (
    Page(
        "missing-site-folder",
        "The folder of a site, or the one its build command runs in, is not there.",
        "There would be nothing to publish.",
        "Correct the path: it starts at the program's folder. A folder that a command makes needs `build=` too.",
        _SITE + 'Site("web", directory="wbe")\n',
    ),
    Page(
        "site-holds-program",
        "The folder of a site is the program's own, or one above it.",
        "The program, its settings and the services' code would be published.",
        'Put the pages into a folder of their own: `directory="web"`.',
        _SITE + 'Site("web", directory=".")\n',
    ),
    Page(
        "missing-page",
        "A site's folder lacks the page that `index` or `error` names.",
        "Visitors would get an error instead of it.",
        "Write the page, or name another one.",
    ),
    Page(
        "unreachable-from-browser",
        "A site's `environment` holds an address inside the application's network.",
        "The pages run in the visitor's browser, which can't reach it.",
        "Attach the service to an API and give the API's `url`.",
        _SITE + 'orders = Compute.Container("orders", image="nginx")\n'
        'Site("web", directory="web", environment={"ORDERS": orders.url})\n',
    ),
)

PAGES: tuple[Page, ...] = (
    Page(
        "site-exposed-twice",
        "Two domains lead to one site.",
        "A CDN distribution takes one certificate, and each domain brings its own.",
        "Keep one of them, or make a second site of the same directory.",
    ),
    *_SITES,
    Page(
        "network-twice",
        "There are two `Network`s.",
        "An application has one network, which everything inside it shares.",
        "Say everything of the network in one place.",
        'import klotho\n\nklotho.Application("shop")\nklotho.Network(cidr="10.1.0.0/16")\n'
        'klotho.Network("other", egress="nat")\n',
    ),
    Page(
        "bad-network",
        "The network's range is no private one of size /16 to /20, or an existing VPC comes without two subnets.",
        "It is divided into four subnets; databases and load balancers want two availability zones.",
        "Use the range or the argument in the help line.",
        'import klotho\n\nklotho.Application("shop")\nklotho.Network(cidr="8.8.8.0/24")\n',
    ),
    Page(
        "auth-unused",
        "No API authenticates with a provider or user pool.",
        "Whatever it was meant to guard is open.",
        "Say which API does: `api.authenticates_with(login)`. Or leave it out.",
        _LOGIN,
    ),
    Page(
        "many-routes",
        "An API has more than 300 routes; each attached route is at least two.",
        "It is AWS's quota `Routes per API`: the deployment would fail there, unless AWS raised it for you.",
        "Attach services to routes further up, or ask AWS to raise the quota.",
        _START + 'api, work = API("api"), Compute.Function("work", handler="work.handler")\n'
        'for number in range(151):\n    api.attach_service(work, route=f"/r{number}")\n',
    ),
    Page(
        "issuer-on-this-machine",
        "The issuer of an `Auth.OIDC` is this machine itself.",
        "The local cloud reaches it; AWS can't, and would refuse every token.",
        "For an environment on AWS give the provider's https issuer.",
        _LOGIN.replace("https://login.example.com", "http://127.0.0.1:8080"),
    ),
    Page(
        "bad-authentication",
        "`authenticates_with` was given something that this kind of authentication does not have.",
        "It would have no effect, and you rely on it.",
        "`scopes` are for tokens; `identity` and `cache` are for functions.",
        _START + 'api, door = API("api"), Compute.Function("door", handler="door.handler")\n'
        'api.attach_service(door)\napi.authenticates_with(door, scopes=["orders"])\n',
    ),
    Page(
        "not-supported-yet",
        "The construct or verb is part of Klotho's design, but this version can't build it.",
        "Building the rest without it would give an application that is not the one described.",
        "Leave it out for now.",
    ),
    Page(
        "trigger-loop",
        "A function is run for every object of a bucket and writes objects to the same bucket.",
        "Each object it writes runs it again, which runs it again: without end, and at a cost.",
        "Say which keys run it, and write to others; or write to another bucket.",
        'import klotho\nfrom klotho import Compute, Storage\n\nklotho.Application("shop")\n'
        'images = Storage.Bucket("images")\nresize = Compute.Function("resize", handler="resize.handler")\n'
        "resize.read_writes_to(images)\nresize.triggered_by(images)\n",
    ),
    Page(
        "schedule-unused",
        "A schedule triggers nothing.",
        "Nothing is made of it and nothing will run.",
        "Say what it runs: `function.triggered_by(schedule)`. Or leave it out.",
        'import klotho\n\nklotho.Application("shop")\nklotho.Schedule("nightly", every="1 day")\n',
    ),
    Page(
        "domain-exposes-nothing",
        "A domain leads to nothing.",
        "Nothing is made of it: neither a certificate nor a record.",
        'Say what it leads to: `Domain("shop.example", exposes=api)`. Or leave it out.',
        'import klotho\n\nklotho.Application("shop")\nklotho.Domain("shop.example")\n',
    ),
    Page(
        "certificate-missing",
        "There is no file at a path given to `attach_cert`, or none with the key beside it.",
        "The certificate could not be imported.",
        "Correct the path, which starts at the program's folder; name the key with `key=` if it is elsewhere.",
        _DOMAIN + 'domain.attach_cert("certs/shop.crt")\n',
    ),
    Page(
        "bad-certificate",
        "A certificate's files are not what ACM imports or browsers accept: no PEM, an encrypted key, a key of another "
        "certificate, an incomplete chain or one in another order, a validity that is over, another host name.",
        "The import would be refused, or browsers would refuse the site afterwards.",
        "Do what the help line says. The file holds the certificate first, then the one that signed it, and so on.",
    ),
    Page(
        "certificate-expires-soon",
        "A certificate ends within 30 days.",
        "From then on browsers refuse the domain.",
        "Renew it and run `klotho up`: it is imported into its place, and nothing else changes.",
    ),
    Page(
        "private-exposed",
        "A domain exposes an API that says `public=False`.",
        "A domain is a name on the internet, and a private API is reached inside the project's network only.",
        "Leave out `public=False`, or leave out the domain and let services call the API.",
        'import klotho\n\nklotho.Application("shop")\n'
        'klotho.Domain("shop.example", exposes=klotho.API("inside", public=False))\n',
    ),
    Page(
        "private-api",
        "A private API is asked for what it can't do: web pages, checking tokens, a parameter inside a route, "
        "or being an HTTP API.",
        "It is a load balancer inside the network, which matches paths with wildcards and has no TLS.",
        "Do what the help line says, or leave out `public=False`.",
        'import klotho\n\nklotho.Application("shop")\nklotho.API("inside", public=False, cors=True)\n',
    ),
    Page(
        "api-cant-carry",
        "An API is made of something that can't do what the program asks of it.",
        "A public load balancer checks no tokens and knows nothing of web pages' preflights; a function URL leads to "
        "one function and nowhere else.",
        "Leave out what the message names, or `use`: Klotho takes what can do it.",
        'import klotho\n\nklotho.Application("shop")\napi = klotho.API("api", cors=True)\napi.use("public-alb")\n',
    ),
    Page(
        "api-in-the-clear",
        "A public load balancer without a domain: it is reached over plain HTTP.",
        "Nobody signs a certificate for the name that AWS gives a load balancer.",
        "Give the API a `Domain`; it then listens by TLS, and sends plain HTTP there.",
        'import klotho\n\nklotho.Application("shop")\nklotho.API("api").use("public-alb")\n',
    ),
    Page(
        "name-reserved",
        "The name means something already: an option of the runtime (secrets), the server's own database (MySQL).",
        "The two could not be told apart.",
        "Give it another name.",
        'import klotho\n\nklotho.Application("shop")\nklotho.Secret("ttl_seconds")\n',
    ),
    Page(
        "unknown-implementation",
        "`use(…)` names an implementation that this kind of construct does not have.",
        "The pin can't be honoured, and choosing another one silently would be a lie.",
        "Use one of the names in the help line, or remove the pin.",
        _START + 'Databases.KeyValue("carts").use("mongodb")\n',
    ),
    Page(
        "unknown-parameter",
        "`use(…)` sets a parameter that the implementation does not have.",
        "It would have no effect.",
        "Use one of the parameters in the help line; `override(…)` reaches any property of a generated resource.",
        _START + 'Databases.KeyValue("carts").use("dynamodb", shards=3)\n',
    ),
    Page(
        "senseless-relationship",
        "The verb makes no sense between these two kinds, or a construct is related to itself.",
        "Nothing on AWS would correspond to it.",
        "The help line lists what does make sense.",
        _START + 'API("api").attach_service(Databases.KeyValue("carts"), route="/carts")\n',
    ),
    Page(
        "senseless-protocol",
        "The protocol can't work between these two: functions speak no gRPC, containers take no `async` calls, "
        "HTTP APIs carry no gRPC.",
        "The call would fail at run time.",
        "Use the protocol in the help line.",
        _START + 'a = Compute.Container("a", image="nginx")\nb = Compute.Container("b", image="nginx")\n'
        'a.calls(b, "async")\n',
    ),
    Page(
        "not-on-this-host",
        "A construct, or one of its relationships, can't work with what `use(…)` makes it of: on Lambda, a container "
        "can't receive from a queue, or have two ports.",
        "It makes sense of the kind, but not where it was put.",
        "Leave `use(…)` out, or name an implementation from the help line.",
        _START + 'Compute.Container("web", image="nginx").use("lambda-container")\n',
    ),
    Page(
        "ambiguous-name",
        "One service uses two constructs of the same name and different kinds, such as a table and a database.",
        "Its code asks by name alone (`klotho.config.datastores.get(name)`), so either could be meant.",
        "Give one of them another name.",
        _START + 'web = Compute.Container("web", image="nginx")\n'
        'web.reads_from(Databases.Postgres("orders"))\nweb.reads_from(Databases.KeyValue("orders"))\n',
    ),
    Page(
        "no-such-port",
        "A container is called by gRPC but has no port named `grpc`.",
        "Klotho would not know which port to open.",
        'Name the ports: `ports={"http": 8080, "grpc": 50051}`.',
        _START + 'a = Compute.Container("a", image="nginx")\nb = Compute.Container("b", image="nginx")\n'
        'a.calls(b, "grpc")\n',
    ),
    Page(
        "missing-context",
        "A container's context folder does not exist, or neither `context` nor `image` was given.",
        "There is nothing to build.",
        "Correct the path; it is relative to the program's file.",
        _START + 'Compute.Container("orders", context="./no/such/folder")\n',
    ),
    Page(
        "missing-dockerfile",
        "There is no Dockerfile where it was looked for.",
        "There is nothing to build.",
        "Add one to the context folder, or name it with `dockerfile=`.",
        _START + 'Compute.Container("orders", context=".", dockerfile="Dockerfile.none")\n',
    ),
    Page(
        "bad-handler",
        "A handler is written `path/module.function`.",
        "Lambda finds the function by that text.",
        'Write it like `handler="functions/invoice.handler"`.',
    ),
    Page(
        "missing-include",
        "A function includes something that is no file.",
        "Its code would not find it.",
        "Name files, each by its own path below the function's `context`.",
        _START + 'Compute.Function("invoice", handler="functions/invoice.handler", include=["views/none.html"])\n',
    ),
    Page(
        "missing-handler",
        "The handler's file does not exist, or has no function of that name.",
        "The function would fail at its first call.",
        "Correct the path or the function's name; the help line shows the nearest.",
        _START + 'Compute.Function("invoice", handler="functions/none.handler")\n',
    ),
    Page(
        "bad-runtime",
        "Lambda has no such runtime, or Klotho does not carry it yet.",
        "The deployment would fail.",
        "Leave `runtime` out: it is inferred from the handler's file.",
    ),
    Page(
        "ambiguous-handler",
        "Several files fit the handler, such as `invoice.py` and `invoice.js`.",
        "A handler names no ending, so either could be meant.",
        "Rename or remove the one that is not meant, or name the language with `runtime=`.",
    ),
    Page(
        "handler-syntax",
        "The handler's file is no valid Python.",
        "The function would fail at its first call.",
        "Correct the marked place; the mistake may also be just before it.",
    ),
    Page(
        "bad-variable",
        "`environment` holds a name that Lambda keeps for itself or does not take, or one that Klotho sets: names that "
        "start with `KLOTHO_`, and the ports of a container (`PORT`, `GRPC_PORT`).",
        "AWS would refuse the deployment, or the code would read something else than was given.",
        "Give the variable another name.",
        _START + 'Compute.Container("orders", image="nginx", environment={"PORT": "80"})\n',
    ),
    Page(
        "bad-version",
        "RDS offers no such major version of PostgreSQL.",
        "The deployment would fail.",
        "Use one of the versions in the help line, or leave `version` out.",
        _START + 'Databases.Postgres("orders_db", version="9")\n',
    ),
    Page(
        "bad-size",
        "AWS does not offer this size: CPU and memory of Fargate come in pairs, Lambda has limits.",
        "The deployment would fail.",
        "Use a size of the help line.",
        _START + 'Compute.Container("orders", image="nginx", cpu=300)\n',
    ),
    Page(
        "outside-repository",
        "A path leads out of the repository the program is in.",
        "Klotho only packs what belongs to the repository.",
        "Move the folder into the repository, or refer to a published image.",
        _START + 'Compute.Container("orders", context="../../../..")\n',
    ),
    Page(
        "override-matches-nothing",
        "`override(…)` names a resource type that this construct does not generate.",
        "It would have no effect.",
        "Use one of the types in the help line.",
        _START + 'Databases.KeyValue("carts").override("AWS::RDS::DBInstance", {"MultiAZ": True})\n',
    ),
    Page(
        "unknown-output",
        "A construct has no output of that name.",
        "The value could never be known.",
        "Use one of the outputs in the help line.",
    ),
    Page(
        "protected-anyway",
        "The program says that data may be deleted, in an environment whose entry in klotho.yaml says `protect: true`.",
        "The environment decides: a line of one program must not be able to weaken it.",
        "Leave the line out, or remove `protect: true` if all data of the environment may go.",
    ),
    Page(
        "requirement-not-weighed",
        "`requires(…)` or `expects(…)` is kept in the model, but no choice depends on it yet.",
        "You should know that it has no effect yet.",
        "Nothing to do; `use(…)` and `override(…)` work today.",
        _START + 'Databases.KeyValue("carts").requires(max_latency_ms=20)\n',
    ),
    Page(
        "residency-broken",
        "The environment's region is outside of where `data_residency=` wants data to stay.",
        "Everything would be made, and kept, somewhere it must not be.",
        "Give the environment a region from the help line, in klotho.yaml or by `region=` of the Application.",
    ),
    Page(
        "residency-unknown",
        "`data_residency=` names no region, country or area that Klotho knows regions of AWS in.",
        "A place that is not understood could not be kept to.",
        "Write a region, a country such as `de`, or `eu`.",
    ),
    Page(
        "residency-worldwide",
        "Something is served from all the world where data must stay in one place.",
        "Copies of a site's files are kept wherever they are asked for.",
        "Leave it if the files are public anyway; serve from a container what must stay.",
    ),
    Page(
        "nothing-fits",
        "None of what a construct could be made of keeps what is required of it. The message names the smallest set of "
        "requirements that can't hold together, and the notes say why each candidate is out.",
        "Whatever Klotho made would break one of them.",
        "Require less, or make it another construct. Here only Lambda follows the changes of a table, and only Fargate "
        "runs for 20 minutes: put a queue between two functions.",
        _START
        + 'work = klotho.Compute.Function("work", handler="functions/work.handler")\n'
        + 'work.triggered_by(Databases.KeyValue("carts"))\n'
        + "work.requires(max_duration_s=1200)\n",
    ),
    Page(
        "requirement-overruled",
        "`use(…)` pins something that does not keep a requirement.",
        "A directive wins over a requirement, and nobody should have to find that out.",
        "Leave out one of the two.",
    ),
    Page(
        "availability-out-of-reach",
        "A construct is required to be available more of the time than AWS promises of what it is made of, or the "
        "number is no percentage.",
        "Nothing Klotho could make would keep it.",
        "Require what the help line says; of the whole application, only what all of its parts can keep.",
        _START + 'Databases.Postgres("orders").requires(availability=99.999)\n',
    ),
    Page(
        "requirement-contradicted",
        "A parameter says the opposite of what a requirement needs.",
        "Klotho would have to break one of the two.",
        "Follow the help line.",
    ),
    Page(
        "region-without-authorities",
        "A SQL database is to be made in a region whose certificate authorities Klotho does not bring.",
        "Clients verify the database's certificate, and each region has authorities of its own: no connection would "
        "succeed. The regions known are named in `klotho/runtime/rds-ca.pem`.",
        "Deploy to another region, or use a newer Klotho. In a checkout, `python tools/refresh_rds_ca.py` with AWS's "
        "newest `global-bundle.pem` adds what is there.",
    ),
    Page(
        "hop-in-the-clear",
        "Everything is required to be encrypted in transit, and this relationship goes by plain HTTP all the same.",
        "AWS's hardware encrypts between containers, load balancers and databases, but not what Lambda sends into the "
        "network and not what comes through API Gateway's VPC links.",
        "Follow the help line, or take back `requires(encrypted_in_transit=True)`, or `encrypted_in_transit:` of "
        "klotho.yaml.",
        'import klotho\nfrom klotho import API, Compute\n\napp = klotho.Application("shop")\n'
        "app.requires(encrypted_in_transit=True)\n"
        'API("door").attach_service(Compute.Container("web", image="nginx"), route="/")\n',
    ),
    Page(
        "visibility-too-short",
        "A queue shows a message again before the function that handles it must be done.",
        "The message would be handled twice at the same time, and AWS refuses to connect the two.",
        "Leave `visibility` out: Klotho then takes six times the function's timeout, as AWS advises.",
    ),
    Page(
        "bad-dead-letter",
        "A queue's dead letter queue is the queue itself, or one is a FIFO queue and the other is not.",
        "AWS refuses it.",
        "Give both the same `fifo=`, or name another queue.",
        _MESSAGING + 'Messaging.Queue("jobs", dead_letter=Messaging.Queue("failed", fifo=True))\n',
    ),
    Page(
        "bad-batch",
        "Batches of messages that can't be: more than 10 without a `window`, more than 10 or a `window` of a FIFO "
        "queue, or batches for a container, which receives by itself.",
        "AWS refuses it, or it would have no effect.",
        "Follow the help line.",
        _MESSAGING + 'web = Compute.Container("web", image="nginx")\nweb.consumes(Messaging.Queue("jobs"), batch=5)\n',
    ),
    Page(
        "bad-subscription",
        "A function subscribes to a FIFO topic, or a FIFO queue to a topic that is none.",
        "AWS delivers FIFO topics to queues only, and lets FIFO queues take from FIFO topics only.",
        "Follow the help line: put a queue between, or give both the same `fifo=`.",
        _MESSAGING + 'Messaging.Queue("jobs", fifo=True).subscribes_to(Messaging.Topic("orders"))\n',
    ),
    Page(
        "subscribed-twice",
        "A construct subscribes to the same topic twice.",
        "AWS keeps one subscription of a subscriber to a topic, so the second would replace the first or be refused.",
        "Put both into one filter.",
        _MESSAGING + 'orders, jobs = Messaging.Topic("orders"), Messaging.Queue("jobs")\n'
        'jobs.subscribes_to(orders)\njobs.subscribes_to(orders, filter={"kind": ["order"]})\n',
    ),
    Page(
        "bad-property",
        "A property of a generated resource is not what AWS's published schema allows.",
        "The deployment would fail.",
        "Correct the parameter or the `override(…)` at the line shown.",
        _START + 'Databases.KeyValue("carts").override("AWS::DynamoDB::Table", {"BillingMoed": "PROVISIONED"})\n',
    ),
    Page(
        "rules-disagree",
        "Two rules, or two overrides, set one property to different values.",
        "Neither order nor chance may decide what is deployed.",
        "Say which one holds with a single `override(…)`.",
        _START + 'carts = Databases.KeyValue("carts")\n'
        'carts.override("AWS::DynamoDB::Table", {"TableClass": "STANDARD"})\n'
        'carts.override("AWS::DynamoDB::Table", {"TableClass": "STANDARD_INFREQUENT_ACCESS"})\n',
    ),
    Page(
        "rule-bug",
        "A rule of Klotho's catalogue contradicts itself.",
        "This is a bug in Klotho, not in your program.",
        "Please report it with the program and the message.",
    ),
    Page(
        "value-cycle",
        "Values go round in a circle: each construct's environment needs an output of the next.",
        "None of them could be deployed first.",
        "Break it with `a.calls(b)`: the code then finds the other at run time with `klotho.config.services.get(…)`.",
    ),
)
