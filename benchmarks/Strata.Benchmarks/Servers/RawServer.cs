using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Strata.Benchmarks;

/// <summary>
/// The least that a server in ASP.NET Core can do with the same bytes; no routing, no keys, no conditions, no checksums.
/// Under <c>/memory/LENGTH</c> a GET answers bytes that are at hand and a PUT reads the body and forgets it; under
/// <c>/exchange/LENGTH</c> a POST does both; under <c>/file/NAME</c> a GET sends a file by the system's own call and a PUT writes one that survives a power cut.
/// </summary>
internal static class RawServer
{
    private const string MemoryPath = "/memory/";
    private const string FilePath = "/file/";
    private const string ExchangePath = "/exchange/";

    /// <summary>Starts it on a free port of the loopback interface.</summary>
    public static async Task<(WebApplication App, Uri Address)> StartAsync(string folder)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        var files = new RawFiles(folder, durable: true);
        var held = new ConcurrentDictionary<int, byte[]>();
        WebApplication app = builder.Build();
        app.Run(context => AnswerAsync(context, files, held));
        await app.StartAsync();
        string address = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
        return (app, new Uri(address));
    }

    private static Task AnswerAsync(HttpContext context, RawFiles files, ConcurrentDictionary<int, byte[]> held)
    {
        string path = context.Request.Path.Value ?? "";
        if (path.StartsWith(ExchangePath, StringComparison.Ordinal)) return ExchangeAsync(context, held.GetOrAdd(int.Parse(path[ExchangePath.Length..]), static length => Payload.Of(length)));
        bool isFile = path.StartsWith(FilePath, StringComparison.Ordinal);
        string name = path[(isFile ? FilePath : MemoryPath).Length..];
        return (isFile, HttpMethods.IsGet(context.Request.Method)) switch
        {
            (false, true) => SendAsync(context.Response, held.GetOrAdd(int.Parse(name), static length => Payload.Of(length))),
            (false, false) => ForgetAsync(context.Request.BodyReader),
            (true, true) => SendFileAsync(context.Response, files.PathOf(name)),
            (true, false) => files.PutAsync(name, context.Request.BodyReader),
        };
    }

    private static async Task ExchangeAsync(HttpContext context, byte[] answer)
    {
        await ForgetAsync(context.Request.BodyReader);
        await SendAsync(context.Response, answer);
    }

    private static async Task SendAsync(HttpResponse response, byte[] bytes)
    {
        response.ContentLength = bytes.Length;
        await response.BodyWriter.WriteAsync(bytes);
    }

    private static Task SendFileAsync(HttpResponse response, string path)
    {
        response.ContentLength = new FileInfo(path).Length;
        return response.SendFileAsync(path);
    }

    private static async Task ForgetAsync(PipeReader body)
    {
        ReadResult read;
        do
        {
            read = await body.ReadAsync();
            body.AdvanceTo(read.Buffer.End);
        }
        while (!read.IsCompleted);
    }
}
