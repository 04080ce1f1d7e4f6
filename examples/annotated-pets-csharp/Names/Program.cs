// @klotho::execution_unit { id = "names" }
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using Kinds;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;

namespace Names
{
    public static class Program
    {
        public static void Main(string[] args)
        {
            var host = Host.CreateDefaultBuilder(args).ConfigureWebHostDefaults(web => web.Configure(app =>
            {
                app.UseRouting();
                app.UseEndpoints(endpoints => endpoints.MapNames());
            }));
            // @klotho::expose { id = "names-api" }
            host.Build().Run();
        }

        private static void MapNames(this IEndpointRouteBuilder endpoints)
        {
            endpoints.MapGet("/names/{kind}/{number:int=3}", Suggested);
            endpoints.MapMethods("/echo/{**rest}", new[] { "GET", "POST" }, Echo);
            endpoints.Map("/kinds", context =>
            {
                context.Response.ContentType = "text/plain";
                return context.Response.WriteAsync(string.Join(" ", Kind.All));
            });
        }

        private static async Task Suggested(HttpContext context)
        {
            var kind = (string)context.Request.RouteValues["kind"];
            if (!Kind.IsKnown(kind))
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return;
            }
            var number = int.Parse(context.Request.RouteValues["number"].ToString());
            context.Response.ContentType = "application/json";
            var names = Enumerable.Range(1, number).Select(at => $"{kind}-{at}");
            await context.Response.WriteAsync(JsonSerializer.Serialize(names));
        }

        private static async Task Echo(HttpContext context)
        {
            context.Response.Headers["vary"] = "accept";
            context.Response.ContentType = context.Request.ContentType ?? "text/plain";
            var rest = context.Request.RouteValues["rest"];
            await context.Response.WriteAsync($"{context.Request.Method} {rest}{context.Request.QueryString}\n");
            await context.Request.Body.CopyToAsync(context.Response.Body);
        }
    }
}
