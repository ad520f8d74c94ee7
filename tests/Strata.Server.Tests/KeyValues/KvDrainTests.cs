using System.Net;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Strata.KvConnect;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>The end of a server: what has begun is ended, what waits ends whole, what comes then is refused, and a client goes on where it was.</summary>
public sealed class KvDrainTests : IAsyncLifetime
{
    private const string Secret = "a-token-of-app-1";
    private static readonly byte[] Key = [2, 97, 0];
    private static readonly StrataServerOptions Options = new() { KvTokens = [new KvToken(Secret, "app")] };
    private RunningServer _running = null!;

    public async ValueTask InitializeAsync() => _running = await RunningServer.StartAsync(Options);

    public ValueTask DisposeAsync() => _running.DisposeAsync();

    [Fact]
    public async Task A_write_under_way_is_carried_through_a_watch_ends_whole_and_new_calls_are_told_to_come_again()
    {
        Uri address = _running.Server.Address;
        var app = new WireClient(_running.Http, "app", Secret);
        RouteEndpoint[] endpoints = [.. _running.Server.Endpoints.OfType<RouteEndpoint>().Where(e => e.RoutePattern.RawText!.StartsWith("/_kv/{name}", StringComparison.Ordinal))];
        byte[] write = WireClient.Set(Key, 7).ToByteArray();

        using HttpResponseMessage watch = await app.CallAsync(Protocol.Watch, [0x0A, 0x05, 0x0A, 0x03, .. Key]);
        await using Stream frames = await watch.Content.ReadAsStreamAsync();
        await frames.ReadExactlyAsync(new byte[Protocol.FrameBytes]);
        using RawConnection half = await RawConnection.OpenAsync(address);
        await half.WriteAsync(
            $"POST /_kv/app/atomic_write HTTP/1.1\r\nHost: {half.Authority}\r\nAuthorization: Bearer {Secret}\r\n{Protocol.VersionHeader}: 3\r\n{Protocol.DatabaseHeader}: {KvEndpoints.IdOf("app")}\r\nExpect: 100-continue\r\nContent-Length: {write.Length}\r\n\r\n");
        await half.ReadUntilAsync("100 Continue");
        await half.WriteAsync(Encoding.Latin1.GetString(write.AsSpan(0, 5)));

        Task stopping = _running.Server.DisposeAsync().AsTask();
        while (await frames.ReadAsync(new byte[4096]) > 0)
        {
            // To its end, which is one: a broken answer would throw here.
        }

        Assert.False(stopping.IsCompleted, "The server did not wait for a write that it had begun to receive.");
        Assert.Equal(13, endpoints.Length);
        foreach (RouteEndpoint endpoint in endpoints)
        {
            (int status, string text) = await CallAsync(endpoint);
            Assert.True(status == StatusCodes.Status503ServiceUnavailable, $"{endpoint.RoutePattern.RawText} gave {status} at a server that stops: {text}");
        }

        await half.WriteAsync(Encoding.Latin1.GetString(write.AsSpan(5)));
        Assert.StartsWith("HTTP/1.1 200", await half.ReadToEndAsync());
        await stopping;
        _running = await _running.RestartInPlaceAsync(Options);
        Assert.Equal(7UL, await new WireClient(_running.Http, "app", Secret).NumberAsync(Key));
    }

    [Fact]
    public async Task The_token_that_the_metadata_gave_holds_after_a_restart_and_ends_with_its_setting()
    {
        JsonElement metadata;
        using (HttpResponseMessage answer = await new WireClient(_running.Http, "app", Secret).AskAsync()) metadata = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        string token = metadata.GetProperty("token").GetString()!;
        Assert.True(metadata.GetProperty("expiresAt").GetDateTimeOffset() > TimeProvider.System.GetUtcNow().AddMinutes(10), "A client asks anew minutes before the token ends.");
        using (HttpResponseMessage before = await new WireClient(_running.Http, "app", token).CallAsync(Protocol.AtomicWrite, WireClient.Set(Key, 5))) Assert.Equal(HttpStatusCode.OK, before.StatusCode);

        _running = await _running.RestartInPlaceAsync(Options);
        Assert.Equal(5UL, await new WireClient(_running.Http, "app", token).NumberAsync(Key));
        JsonElement anew;
        using (HttpResponseMessage answer = await new WireClient(_running.Http, "app", Secret).AskAsync()) anew = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal(metadata.GetProperty("databaseId").GetString(), anew.GetProperty("databaseId").GetString());

        _running = await _running.RestartInPlaceAsync(new StrataServerOptions { KvTokens = [new KvToken("another-token-of-app", "app")] });
        using HttpResponseMessage refused = await new WireClient(_running.Http, "app", token).CallAsync(Protocol.SnapshotRead, WireClient.Get(Key));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    /// <summary>A call that comes when nobody can connect any more: on a connection that was open before.</summary>
    private static async Task<(int Status, string Text)> CallAsync(RouteEndpoint endpoint)
    {
        using var body = new MemoryStream();
        var http = new DefaultHttpContext { Request = { Method = endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0], Path = "/_kv/app" } };
        http.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(body));
        http.Request.RouteValues["name"] = "app";
        http.Request.Headers.Authorization = $"Bearer {Secret}";
        await endpoint.RequestDelegate!(http);
        return (http.Response.StatusCode, Encoding.UTF8.GetString(body.ToArray()));
    }
}
