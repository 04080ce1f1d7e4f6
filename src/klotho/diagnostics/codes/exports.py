"""Codes of `build --iac` and `eject`. None has an example program: options and types decide."""

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "export-type-unknown",
        "The application has a resource of a type that neither Pulumi's nor Terraform's AWS providers have.",
        "An export that leaves a resource out would deploy something else than Klotho does.",
        "Export CloudFormation templates, `klotho eject --iac cloudformation`, or replace the construct it comes from.",
    ),
    Page(
        "export-value-unknown",
        "A property has a value that only CloudFormation understands, such as `{{resolve:ssm:name}}`.",
        "Pulumi and Terraform would hand it to AWS as it is written.",
        "Export CloudFormation templates, or give the property its value by an output of a construct.",
    ),
    Page(
        "export-option",
        "An option was given that the named tool does not have.",
        "`--language` and `--single` are Pulumi's, `--backend` is Terraform's and names where it keeps its state.",
        "Leave the option out, or name the tool it belongs to with `--iac`.",
    ),
)
