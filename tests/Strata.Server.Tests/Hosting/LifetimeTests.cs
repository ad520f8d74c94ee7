using System.Diagnostics.Metrics;
using System.Net;
using Xunit;

namespace Strata.Server.Tests;

public class LifetimeTests
{
    private static readonly BlobKey Key = BlobKey.Parse("k");

    [Fact]
    public async Task A_request_under_way_is_finished_before_the_server_ends()
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        StrataServer server = await StartAsync(store);
        using RawConnection connection = await RawConnection.OpenAsync(server.Address);
        await connection.WriteAsync($"PUT /main/k HTTP/1.1\r\nHost: {connection.Authority}\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
        await connection.ReadUntilAsync("100 Continue");
        Task stopping = server.DisposeAsync().AsTask();
        Assert.False(stopping.IsCompleted);
        await connection.WriteAsync("0123456789");
        Assert.StartsWith("HTTP/1.1 200", await connection.ReadToEndAsync());
        await stopping;
        Assert.Equal(10, (await store.StatAsync(Key))!.Length);
        await Assert.ThrowsAnyAsync<System.Net.Sockets.SocketException>(() => RawConnection.OpenAsync(server.Address));
    }

    [Fact]
    public async Task A_client_that_never_ends_does_not_hold_the_server()
    {
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        StrataServer server = await StartAsync(store, new StrataServerOptions { DrainTimeout = TimeSpan.FromMilliseconds(200) });
        using RawConnection connection = await RawConnection.OpenAsync(server.Address);
        await connection.WriteAsync($"PUT /main/k HTTP/1.1\r\nHost: {connection.Authority}\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
        await connection.ReadUntilAsync("100 Continue");
        await server.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Null(await store.StatAsync(Key));
    }

    [Fact]
    public async Task Requests_are_counted_by_operation_and_status()
    {
        using var meter = new Meter("Strata");
        var counted = new List<(string Instrument, double Value, string Operation, int Status)>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter == meter) l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((i, v, tags, _) => Note(i, v, tags));
        listener.SetMeasurementEventCallback<double>((i, v, tags, _) => Note(i, v, tags));
        listener.Start();

        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
        await using (StrataServer server = await StartAsync(store, context: new StoreContext { Meter = meter }))
        {
            using var http = new HttpClient { BaseAddress = server.Address };
            using HttpResponseMessage put = await http.PutAsync("main/k", new ByteArrayContent(new byte[7]));
            await http.GetByteArrayAsync("main/k");
            using HttpResponseMessage missing = await http.GetAsync("main/missing");
            Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        }

        lock (counted)
        {
            Assert.Contains(("strata.server.requests", 1, "PutObject", 200), counted);
            Assert.Contains(("strata.server.received", 7, "PutObject", 200), counted);
            Assert.Contains(("strata.server.sent", 7, "GetObject", 200), counted);
            Assert.Contains(("strata.server.requests", 1, "GetObject", 404), counted);
            Assert.Equal(3, counted.Count(c => c.Instrument == "strata.server.duration"));
        }

        void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var named = tags.ToArray().ToDictionary(t => t.Key, t => t.Value);
            lock (counted) counted.Add((instrument.Name, value, (string)named["operation"]!, (int)named["status"]!));
        }
    }

    private static Task<StrataServer> StartAsync(IBlobStore store, StrataServerOptions? options = null, StoreContext? context = null) =>
        StrataServer.StartAsync(new Dictionary<string, IBlobStore> { ["main"] = store }, (options ?? new()) with { Listen = "127.0.0.1:0" }, context);
}
