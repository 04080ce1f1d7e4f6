"""Containers in Go and .NET, built from the Dockerfiles one writes for them: deployed and called, on ECS and Lambda."""

from __future__ import annotations

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Client, Deployment, replaced

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300), pytest.mark.usefixtures("go", "dotnet")]

INFRA = """\
import klotho
from klotho import API, Compute

klotho.Application("compiled")
prices = Compute.Container("prices", context="prices")
quick_prices = Compute.Container("quick_prices", context="prices")
orders = Compute.Container("orders", context="orders", dockerfile="orders/Dockerfile", memory=512)
quick_orders = Compute.Container("quick_orders", context="orders", memory=512)
for quick in (quick_prices, quick_orders):
    quick.use("lambda-container")
orders.calls(prices)

api = API(name="shop")
for service in (prices, quick_prices, orders, quick_orders):
    api.attach_service(service, route=f"/{service.name}")
"""
GO = {
    "Dockerfile": """\
# syntax=docker/dockerfile:1
ARG GO_VERSION=1.27
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-alpine AS build
WORKDIR /src
RUN --mount=type=cache,target=/go/pkg/mod/ \\
    --mount=type=bind,source=go.mod,target=go.mod \\
    go mod download -x
ARG TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod/ \\
    --mount=type=bind,target=. \\
    CGO_ENABLED=0 GOOS=linux GOARCH=$TARGETARCH go build -trimpath -o /bin/server ./cmd/server

FROM gcr.io/distroless/static-debian12:nonroot AS final
COPY --from=build /bin/server /bin/
EXPOSE 8080
ENTRYPOINT [ "/bin/server" ]
""",
    "go.mod": "module example.com/prices\n\ngo 1.21\n",
    "price/price.go": 'package price\n\nfunc Of(what string) string { return what + " costs 3" }\n',
    "cmd/server/main.go": """\
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"example.com/prices/price"
)

func main() {
	http.HandleFunc("/", func(answer http.ResponseWriter, request *http.Request) {
		fmt.Fprint(answer, price.Of(request.URL.Query().Get("of")))
	})
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
""",
}
DOTNET = {
    "Dockerfile": """\
FROM mcr.microsoft.com/dotnet/core/aspnet:3.1 AS base
WORKDIR /app
EXPOSE 8080
ENV ASPNETCORE_URLS=http://+:8080

FROM mcr.microsoft.com/dotnet/core/sdk:3.1 AS build
ARG BUILD_CONFIGURATION=Release
WORKDIR /src
COPY ["Orders/Orders.csproj", "Orders/"]
RUN dotnet restore "./Orders/Orders.csproj"
COPY . .
WORKDIR "/src/Orders"

FROM build AS publish
RUN dotnet publish "./Orders.csproj" -c $BUILD_CONFIGURATION -o /app/publish /p:UseAppHost=false

FROM base AS final
WORKDIR /app
COPY --from=publish /app/publish .
ENTRYPOINT ["dotnet", "Orders.dll"]
""",
    "Orders/Orders.csproj": """\
<Project Sdk="Microsoft.NET.Sdk.Web">
  <PropertyGroup><TargetFramework>netcoreapp3.1</TargetFramework></PropertyGroup>
</Project>
""",
    "Orders/Program.cs": """\
using System;
using System.IO;
using System.Net.Http;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

public class Program
{
    static readonly HttpClient Client = new HttpClient();

    public static void Main(string[] arguments) =>
        Host.CreateDefaultBuilder(arguments).ConfigureWebHostDefaults(web => web.Configure(Routes)).Build().Run();

    static void Routes(IApplicationBuilder application)
    {
        application.UseRouting();
        application.UseEndpoints(endpoints => endpoints.MapGet("/{**rest}", Answer));
    }

    static async Task Answer(HttpContext context)
    {
        var service = Environment.GetEnvironmentVariable("KLOTHO_SERVICE_PRICES");
        var price = service == null ? "nobody to ask" : await Price(service);
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, price);
        var kept = await File.ReadAllTextAsync(file);
        File.Delete(file);
        using var hash = SHA256.Create();
        await context.Response.WriteAsync(JsonSerializer.Serialize(new
        {
            price = kept,
            digest = BitConverter.ToString(hash.ComputeHash(Encoding.UTF8.GetBytes("a"))).Substring(0, 5),
            framework = System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription,
            home = Directory.Exists(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)),
            container = Environment.GetEnvironmentVariable("DOTNET_RUNNING_IN_CONTAINER"),
            heap = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 20,
        }));
    }

    static Task<string> Price(string service)
    {
        var address = JsonDocument.Parse(service).RootElement.GetProperty("http").GetString();
        return Client.GetStringAsync(address + "/?of=tea");
    }
}
""",
}


@pytest.fixture(scope="module")
def shop(deploy: Deploy) -> Deployment:
    files = {"infra.py": INFRA}
    for folder, code in (("prices", GO), ("orders", DOTNET)):
        files |= {f"{folder}/{name}": text for name, text in code.items()}
    deployment = deploy("compiled", files)
    deployment.up()
    return deployment


@pytest.fixture(scope="module")
def door(shop: Deployment) -> Client:
    return shop.client("shop")


@pytest.mark.parametrize("service", ["prices", "quick_prices"])
def test_a_go_program_of_a_distroless_image_answers(door: Client, service: str) -> None:
    answer = door.get(f"/{service}?of=coffee")
    assert (answer.status, answer.text) == (200, "coffee costs 3")


@pytest.mark.parametrize(("service", "price"), [("orders", "tea costs 3"), ("quick_orders", "nobody to ask")])
def test_an_asp_net_core_program_answers_and_calls_the_one_in_go(
    shop: Deployment, door: Client, service: str, price: str
) -> None:
    answer = door.get(f"/{service}/today")
    assert answer.status == 200, shop.logs(service)
    assert answer.json == {
        "price": price,
        "digest": "CA-97",
        "framework": ".NET Core 3.1.2",
        "home": True,
        "container": "true",
        "heap": 384,  # what it has in a container of 512 MB
    }


def test_a_changed_program_is_built_and_served_and_one_that_does_not_compile_is_told(
    shop: Deployment, door: Client
) -> None:
    code = shop.folder / "prices/price/price.go"
    with replaced(code, "costs 3", "costs 4"):
        shop.up()
        # The one on ECS may answer a connection that is open for some seconds more.
        assert door.get("/quick_prices?of=tea").text == "tea costs 4"
        with replaced(code, "return what", "return wat"):
            said = shop.klotho("up", "--yes", exit_code=1).stderr
    assert "go ended with exit code 1" in said
    assert "price/price.go:3:38: undefined: wat" in said
    assert "prices/Dockerfile:9" in said
