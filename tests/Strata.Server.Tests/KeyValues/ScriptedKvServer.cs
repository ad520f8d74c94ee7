using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Strata.KvConnect;
using Wire = Strata.KvConnect.Messages;

namespace Strata.Server.Tests;

/// <summary>What a test has the server do instead of what it would; <paramref name="usual"/> does that after all.</summary>
internal delegate Task ScriptedAnswer(HttpContext http, Func<Task> usual);

/// <summary>A request as it came.</summary>
internal sealed record SeenRequest(string Path, string Protocol, string? Authorization, Dictionary<string, string> Headers, byte[] Body)
{
    public string Call => Path[(Path.LastIndexOf('/') + 1)..];
}

/// <summary>
/// A server that speaks KV Connect by the specification and no more, over a database in memory; and does what a test says
/// where it says something. It is none of Strata's: neither expiries nor reads of keys alone, and a 5xx says nothing.
/// </summary>
internal sealed class ScriptedKvServer : IAsyncDisposable
{
    public const string AccessToken = "the-access-token-of-the-test", Database = "11111111-2222-3333-4444-555555555555";
    public const string Metadata = "db", Read = "snapshot_read", Write = "atomic_write", Watch = "watch";

    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, ConcurrentQueue<ScriptedAnswer>> _script = new();
    private int _active;

    private ScriptedKvServer(WebApplication app) => _app = app;

    /// <summary>What is asked for metadata.</summary>
    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/" + Metadata);

    public ConcurrentQueue<SeenRequest> Requests { get; } = [];

    /// <summary>Requests that are being answered.</summary>
    public int Active => Volatile.Read(ref _active);

    public IKvDatabase Kv { get; } = new MemoryKvDatabase();

    public int Version { get; set; } = 3;

    /// <summary>The token of the data path.</summary>
    public string Token { get; set; } = "the-first-data-token";

    public TimeProvider Clock { get; set; } = TimeProvider.System;

    public TimeSpan Life { get; set; } = TimeSpan.FromHours(1);

    public IReadOnlyList<(string Url, string Consistency)> Endpoints { get; set; } = [("/data", "strong")];

    public static async Task<ScriptedKvServer> StartAsync(X509Certificate2? certificate = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.Configure<ConsoleLifetimeOptions>(console => console.SuppressStatusMessages = true);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.Zero);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint =>
        {
            if (certificate is null) return;
            endpoint.Protocols = HttpProtocols.Http1AndHttp2;
            endpoint.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = certificate });
        }));
        if (certificate is not null) builder.WebHost.UseKestrelHttpsConfiguration();
        var server = new ScriptedKvServer(builder.Build());
        server._app.Run(server.HandleAsync);
        await server._app.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
        await Kv.DisposeAsync();
    }

    /// <summary>What is answered to the next requests of a kind; after these the usual.</summary>
    public void Next(string call, params ScriptedAnswer[] answers)
    {
        foreach (ScriptedAnswer answer in answers) _script.GetOrAdd(call, _ => []).Enqueue(answer);
    }

    public int Count(string call) => Requests.Count(r => r.Call == call);

    /// <summary>As <see cref="Next"/>, so often that it goes on for the whole test.</summary>
    public void Always(string call, ScriptedAnswer answer) => Next(call, [.. Enumerable.Repeat(answer, 1_000)]);

    /// <summary>Forgets what was to come.</summary>
    public void Usual(string call) => _script.TryRemove(call, out _);

    public static ScriptedAnswer Status(int status, string text = "scripted", params (string Name, string Value)[] headers) => async (http, _) =>
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain";
        foreach ((string name, string value) in headers) http.Response.Headers[name] = value;
        await http.Response.WriteAsync(text);
    };

    public static ScriptedAnswer Bytes(byte[] body) => (http, _) => http.Response.Body.WriteAsync(body).AsTask();

    public static ScriptedAnswer Message(IMessage message) => Bytes(message.ToByteArray());

    /// <summary>Does what it is asked, and its answer is lost.</summary>
    public static ScriptedAnswer LostAfter => async (http, usual) =>
    {
        http.Response.Body = Stream.Null;
        await usual();
        http.Abort();
    };

    /// <summary>The connection is gone before anything is done.</summary>
    public static ScriptedAnswer LostBefore => (http, _) =>
    {
        http.Abort();
        return Task.CompletedTask;
    };

    /// <summary>The answer breaks off in its middle.</summary>
    public static ScriptedAnswer CutAfter => async (http, usual) =>
    {
        Stream wire = http.Response.Body;
        using var whole = new MemoryStream();
        http.Response.Body = whole;
        await usual();
        http.Response.ContentLength = whole.Length + 100;
        await wire.WriteAsync(whole.ToArray());
        await wire.FlushAsync();
        http.Abort();
    };

    /// <summary>No answer ever comes.</summary>
    public static ScriptedAnswer Stall => (http, _) => Task.Delay(Timeout.Infinite, http.RequestAborted);

    /// <summary>Waits for the test, then does the usual.</summary>
    public static ScriptedAnswer Held(Task until) => async (_, usual) =>
    {
        await until;
        await usual();
    };

    /// <summary>Sends bytes to a watch, and then holds it open or ends it.</summary>
    public static ScriptedAnswer Frames(Task until, params byte[][] frames) => async (http, _) =>
    {
        foreach (byte[] frame in frames)
        {
            await http.Response.Body.WriteAsync(frame);
            await http.Response.Body.FlushAsync();
        }

        await until.WaitAsync(http.RequestAborted);
    };

    public static byte[] Frame(params Wire.WatchKeyOutput[] keys)
    {
        var message = new Wire.WatchOutput { Status = Wire.SnapshotReadStatus.SrSuccess };
        message.Keys.AddRange(keys);
        return Frame(message);
    }

    public static byte[] Frame(Wire.WatchOutput message)
    {
        byte[] frame = new byte[Protocol.FrameBytes + message.CalculateSize()];
        BinaryPrimitives.WriteInt32LittleEndian(frame, frame.Length - Protocol.FrameBytes);
        message.WriteTo(frame.AsSpan(Protocol.FrameBytes));
        return frame;
    }

    private async Task HandleAsync(HttpContext http)
    {
        Interlocked.Increment(ref _active);
        try
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            var seen = new SeenRequest(http.Request.Path, http.Request.Protocol, http.Request.Headers.Authorization, http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray());
            Requests.Enqueue(seen);
            if (_script.TryGetValue(seen.Call, out ConcurrentQueue<ScriptedAnswer>? answers) && answers.TryDequeue(out ScriptedAnswer? answer)) await answer(http, () => AnswerAsync(http, seen));
            else await AnswerAsync(http, seen);
        }
        catch (OperationCanceledException)
        {
            // The client has gone.
        }
        finally
        {
            Interlocked.Decrement(ref _active);
        }
    }

    private async Task AnswerAsync(HttpContext http, SeenRequest seen)
    {
        string token = seen.Call is Read or Write or Watch ? Token : AccessToken;
        if (seen.Authorization != "Bearer " + token)
        {
            await Status(401, "wrong token")(http, null!);
            return;
        }

        switch (seen.Call)
        {
            case Read:
                ReadRange[] ranges = WireForm.Of(Wire.SnapshotRead.Parser.ParseFrom(seen.Body));
                await Message(WireForm.Of(await Kv.SnapshotReadAsync([.. ranges.Select(r => r with { KeysOnly = false })], null, default)))(http, null!);
                break;
            case Write:
                await Message(WireForm.Of(await Kv.AtomicWriteAsync(WireForm.Of(Wire.AtomicWrite.Parser.ParseFrom(seen.Body)), default)))(http, null!);
                break;
            case Watch:
                ReadOnlyMemory<byte>[] keys = [.. Wire.Watch.Parser.ParseFrom(seen.Body).Keys.Select(k => k.Key.Memory)];
                await foreach (WatchUpdate update in Kv.WatchAsync(keys, http.RequestAborted))
                {
                    await http.Response.Body.WriteAsync(Frame([.. update.Entries.Select(e => new Wire.WatchKeyOutput { Changed = true, EntryIfChanged = e is null ? null : WireForm.Of(e) })]));
                    await http.Response.Body.FlushAsync();
                }

                break;
            default:
                http.Response.ContentType = "application/json";
                await http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(MetadataJson()));
                break;
        }
    }

    private string MetadataJson() => JsonSerializer.Serialize(new
    {
        version = Version,
        databaseId = Database,
        endpoints = Endpoints.Select(e => new { url = e.Url, consistency = e.Consistency }),
        token = Token,
        expiresAt = (Clock.GetUtcNow() + Life).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
    });
}
