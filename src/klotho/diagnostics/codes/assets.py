"""Codes of what is built before a deployment: packages of functions, bundles, images. None has an example program: each
needs a manifest, an installer or a container engine besides."""

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "lock-outdated",
        "A lock (`uv.lock`, `poetry.lock`, `pylock.toml`, `package-lock.json`, …) does not fit the manifest it locks.",
        "Versions would be installed that nobody locked, or that the manifest does not allow.",
        "Lock again with the tool that wrote it, and commit both files.",
    ),
    Page(
        "wheels-missing",
        "A package of a function can't be had for the system Lambda runs: no wheel for its Python on Linux, or machine "
        "code that is compiled where it is installed.",
        "Klotho compiles no machine code for other machines: the function would fail when it imports the package. A "
        "function without a `use` of yours becomes an image, in which they are compiled; this one says otherwise.",
        'Choose versions that come built for Linux, or ship it as an image: `use("lambda-image", build=True)`.',
    ),
    Page(
        "layer-empty",
        "A function is to have a layer, and nothing of it could be in one: it needs no packages, or is an ES module, "
        "where Node's `import` does not look into layers.",
        "Lambda takes no empty layer.",
        "Ship it as one zip: remove `lambda-layer` from its `use`, or its entry from klotho.lock.",
    ),
    Page(
        "lock-file-damaged",
        "`klotho.lock` is not as `klotho up` writes it: a conflict of a merge, an edit by hand, a newer version.",
        "It decides whether a function is a zip or an image; to guess would replace functions.",
        "Take the file as it was committed, or delete the marked entry: the next `klotho up` finds it out again.",
    ),
    Page(
        "lock-file-not-written",
        "`klotho up` found out how a function has to be shipped, and can't write it to `klotho.lock`.",
        "Another machine would compile other templates.",
        "Run it once where the program's folder may be written to, and commit the file.",
    ),
    Page(
        "lock-entry-unused",
        "`klotho.lock` tells of a function that the program does not have.",
        "It has no effect.",
        "Delete its entry, unless another program in the same folder has the function.",
    ),
    Page(
        "python-not-allowed",
        "`requires-python` of a function's project does not allow the Python the function would run on.",
        "Packages are locked for the versions of Python that the project names, and for no others.",
        "Name a runtime the project allows, or change `requires-python` and lock again. The local cloud runs functions "
        "on the Python that Klotho runs on.",
    ),
    Page(
        "import-not-found",
        "A function's JavaScript or TypeScript imports a file that is not there, or a package its package.json does "
        "not list under `dependencies`.",
        "The function would fail when it is first called. What is listed for development only is not shipped.",
        "Correct the path, or add the package to `dependencies`.",
    ),
    Page(
        "container-engine-missing",
        "Images for AWS are built by a container engine, and no engine works on this machine. Each one tried is listed "
        "with what it said. Functions are images, too, when they are too large for a zip or have to be compiled.",
        "The local cloud needs no engine, because it runs services as processes; AWS runs images.",
        "Install Docker, Podman or Buildah, or start the one you have.",
    ),
    Page(
        "image-not-pushed",
        "An image was built and could not be sent to the registry; the engine's last lines are shown.",
        "AWS has nothing to run. What is deployed goes on running.",
        "Run the command again: layers that arrived are not sent twice.",
    ),
    Page(
        "image-repository-missing",
        "The account and region have no repository for images.",
        "There is no place the images can be sent to.",
        "Run `klotho up`, which offers to prepare the account and region.",
    ),
)
