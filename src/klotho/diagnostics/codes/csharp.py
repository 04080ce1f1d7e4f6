"""Pages of what can be wrong with annotated code of C#."""

from __future__ import annotations

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "annotation-project",
        "A project of C# can't be a unit: its file, its target framework or what it takes of other folders is unclear.",
        "A unit of C# is one project, built in a container by the SDK of its target framework.",
        "Say `<TargetFramework>` in the `.csproj`, and give each unit a project in a folder of its own.",
    ),
    Page(
        "annotation-address",
        "The code or its settings name the address that the program listens at.",
        "It wins over the variable `PORT`, and where units run nothing else is reached.",
        "Leave it out: `ASPNETCORE_URLS` says it everywhere. appsettings.Development.json may name one.",
    ),
    Page(
        "annotation-host",
        "klotho.yaml says `type: lambda` of a unit whose language makes no functions of Lambda.",
        "Such a unit is a container that Lambda runs.",
        "Nothing has to be done; `type: lambda-container` says the same.",
    ),
)
