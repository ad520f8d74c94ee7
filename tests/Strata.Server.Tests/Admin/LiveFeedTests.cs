using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

public sealed class LiveFeedTests
{
    /// <summary>A second, and the moment by which a timer may fire early.</summary>
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(1001);

    [Fact]
    public async Task Begins_with_figures_and_all_moves_and_then_tells_what_is_new()
    {
        var clock = new FakeClock();
        await using ServedTiers served = await ServedTiers.StartAsync(clock: clock);
        await served.PutAsync("a");
        await served.ReadAsync("a");
        await served.HoldAsync("a", "hot");
        using var end = new CancellationTokenSource();
        await using var listener = new Listener(new LiveFeed(Stores(served), clock), end.Token);

        Assert.Equal(("stores", "0"), await listener.NextAsync());
        Assert.Equal("main", listener.Data[0].GetProperty("name").GetString());
        Assert.Equal(("moves", "0"), await listener.NextAsync());
        JsonElement move = listener.Data.EnumerateArray().First(m => m.GetProperty("tier").GetString() == "hot");
        Assert.Equal(("main", "Promoted", "a", 10), (
            move.GetProperty("store").GetString(), move.GetProperty("kind").GetString(), move.GetProperty("key").GetString(), move.GetProperty("length").GetInt64()));

        await served.PutAsync("b");
        await served.ReadAsync("b");
        await served.HoldAsync("b", "hot");
        await clock.WaitForTimerAsync(Beat);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("stores", (await listener.NextAsync()).Event);
        Assert.Equal("moves", (await listener.NextAsync()).Event);
        Assert.All(listener.Data.EnumerateArray(), m => Assert.Equal("b", m.GetProperty("key").GetString()));
        await end.CancelAsync();
    }

    [Fact]
    public async Task Listeners_share_one_snapshot_a_second()
    {
        var clock = new FakeClock();
        await using ServedTiers served = await ServedTiers.StartAsync(clock: clock);
        var feed = new LiveFeed(Stores(served), clock);
        using var end = new CancellationTokenSource();
        await using var first = new Listener(feed, end.Token);
        Assert.Equal(("stores", "0"), await first.NextAsync());
        Assert.Equal(("moves", "0"), await first.NextAsync());

        await clock.WaitForTimerAsync(Beat);
        clock.Advance(TimeSpan.FromMilliseconds(400));
        await served.PutAsync("a");
        await using var second = new Listener(feed, end.Token);
        Assert.Equal(("stores", "0"), await second.NextAsync());
        Assert.Equal(0, second.Data[0].GetProperty("tiers")[2].GetProperty("blobs").GetInt64());
        Assert.Equal(("moves", "0"), await second.NextAsync());

        await clock.WaitForTimerAsync(Beat - TimeSpan.FromMilliseconds(400), 2);
        clock.Advance(TimeSpan.FromMilliseconds(700));
        (string, string?) beat = await first.NextAsync();
        Assert.Equal(beat, await second.NextAsync());
        Assert.Equal(1, second.Data[0].GetProperty("tiers")[2].GetProperty("blobs").GetInt64());
        await end.CancelAsync();
    }

    [Fact]
    public async Task Listeners_are_bounded_and_one_that_leaves_makes_room()
    {
        await using ServedTiers served = await ServedTiers.StartAsync();
        var listeners = new List<HttpResponseMessage>();
        for (int i = 0; i < LiveFeed.MaxListeners; i++) listeners.Add(await ListenAsync(served));
        Assert.All(listeners, l => Assert.Equal(HttpStatusCode.OK, l.StatusCode));
        using HttpResponseMessage refused = await ListenAsync(served);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Contains("Busy", await refused.Content.ReadAsStringAsync());
        Assert.NotNull(refused.Headers.RetryAfter);

        listeners[0].Dispose();
        await Eventually.HoldsAsync(async () =>
        {
            using HttpResponseMessage again = await ListenAsync(served);
            return again.StatusCode == HttpStatusCode.OK;
        });
        foreach (HttpResponseMessage listener in listeners) listener.Dispose();
    }

    [Fact]
    public async Task A_stopping_server_ends_its_feeds_at_once()
    {
        ServedTiers served = await ServedTiers.StartAsync();
        using HttpResponseMessage response = await ListenAsync(served);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        await using Stream body = await response.Content.ReadAsStreamAsync();
        Assert.NotEqual(0, await body.ReadAsync(new byte[1]));

        long start = Stopwatch.GetTimestamp();
        ValueTask stopped = served.Server.DisposeAsync();
        await body.CopyToAsync(Stream.Null);
        await stopped;
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(10));
        await served.DisposeAsync();
    }

    private static Dictionary<string, IBlobStore> Stores(ServedTiers served) => new() { ["main"] = served.Main };

    private static Task<HttpResponseMessage> ListenAsync(ServedTiers served) =>
        served.Http.GetAsync("/_strata/v1/events", HttpCompletionOption.ResponseHeadersRead);

    private sealed class Listener : IAsyncDisposable
    {
        private readonly Pipe _pipe = new();
        private readonly IAsyncEnumerator<SseItem<JsonElement>> _events;
        private readonly SseParser<JsonElement> _parser;
        private readonly Task _writing;

        public Listener(LiveFeed feed, CancellationToken end)
        {
            _writing = feed.WriteAsync(_pipe.Writer, isAllowed: null, end);
            _parser = SseParser.Create(_pipe.Reader.AsStream(), (_, json) => JsonElement.Parse(json));
            _events = _parser.EnumerateAsync(CancellationToken.None).GetAsyncEnumerator(CancellationToken.None);
        }

        public JsonElement Data { get; private set; }

        public async Task<(string Event, string? Id)> NextAsync()
        {
            Assert.True(await _events.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
            Data = _events.Current.Data;
            return (_events.Current.EventType, _parser.LastEventId);
        }

        public async ValueTask DisposeAsync() => await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _writing);
    }
}
