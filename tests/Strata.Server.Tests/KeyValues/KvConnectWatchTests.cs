using System.Buffers.Binary;
using Strata.KvConnect;
using Xunit;
using static Strata.Server.Tests.ScriptedKvServer;
using Wire = Strata.KvConnect.Messages;

namespace Strata.Server.Tests;

/// <summary>Watches over connections that break: no state is lost, none is made up, and none is told twice.</summary>
public sealed class KvConnectWatchTests : KvConnectClientTests
{
    private static readonly byte[] Ping = new byte[Protocol.FrameBytes];
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private KvConnectDatabase? _database;
    private IAsyncEnumerator<WatchUpdate>? _watch;

    public override async ValueTask DisposeAsync()
    {
        _open.TrySetResult();
        if (_watch is not null) await _watch.DisposeAsync();
        if (_database is not null) await _database.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task What_changed_while_the_connection_was_gone_is_told_and_what_did_not_is_not()
    {
        await PutAsync(1);
        Task broken = _open.Task;
        Server.Next(Watch, Frames(broken, Frame(Changed(A, 1, 1))), Frames(Task.CompletedTask, Frame(Changed(A, 1, 1))), Frames(Task.CompletedTask, Frame(Changed(A, 1, 1)), Ping, [1, 2]), Status(500), LostBefore, Frames(new TaskCompletionSource().Task, Frame(Changed(A, 3, 9))));
        await WatchAsync(A);
        Assert.Equal(1UL, await NextAsync());
        Task<ulong?> next = NextAsync();
        _open.SetResult();
        Assert.Equal(3UL, await next);
        Assert.Equal(6, Server.Count(Watch));
    }

    [Fact]
    public async Task A_key_that_is_not_said_to_have_changed_is_as_it_was()
    {
        Server.Next(Watch, Frames(_open.Task, Frame(Changed(A, 1, 1), new Wire.WatchKeyOutput()), Ping, Frame(new Wire.WatchKeyOutput(), Changed(B, 2, 2)), Frame(new Wire.WatchKeyOutput { Changed = true }, new Wire.WatchKeyOutput())));
        await WatchAsync(A, B);
        List<string> told = [];

        // Of those that come at once, only the last is sure.
        while (told.LastOrDefault() != "- 2")
        {
            Assert.True(await _watch!.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token));
            told.Add(string.Join(' ', _watch.Current.Entries.Select(e => e is null ? "-" : $"{Number(e)}")));
        }

        Assert.Subset(new HashSet<string> { "1 -", "1 2", "- 2" }, told.ToHashSet());
    }

    [Fact]
    public async Task A_connection_that_has_gone_silent_is_made_again_and_pings_are_no_silence()
    {
        TaskCompletionSource[] pings = [.. Enumerable.Range(0, 4).Select(_ => new TaskCompletionSource())];
        int pinged = 0;
        Server.Next(Watch, async (http, _) =>
        {
            await http.Response.Body.WriteAsync(Frame(Changed(A, 1, 1)), http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
            foreach (TaskCompletionSource ping in pings)
            {
                await ping.Task.WaitAsync(http.RequestAborted);
                await http.Response.Body.WriteAsync(Ping, http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
                Interlocked.Increment(ref pinged);
            }

            await Task.Delay(Timeout.Infinite, http.RequestAborted);
        });
        Server.Next(Watch, Frames(_open.Task, Frame(Changed(A, 2, 2))));
        var timers = new TimerCounter(Clock);
        await WatchAsync(timers, A);
        Assert.Equal(1UL, await NextAsync());
        Task<ulong?> next = NextAsync();

        // That something has been heard is seen by the timer, which is set anew before each message.
        await Eventually.HoldsAsync(() => timers.Changes == 2, "The state was not heard.");
        foreach (TaskCompletionSource ping in pings)
        {
            int before = timers.Changes;
            Clock.Advance(TimeSpan.FromSeconds(20));
            ping.SetResult();
            await Eventually.HoldsAsync(() => timers.Changes > before, "A ping was not heard.");
        }

        Assert.Equal(4, pinged);
        Assert.Equal(1, Server.Count(Watch));
        Clock.Advance(TimeSpan.FromSeconds(31));
        await Eventually.HoldsAsync(() => Server.Active == 0, "A connection that says nothing is kept.");
        Assert.Equal(2UL, await PassAsync(next));
        Assert.Equal(2, Server.Count(Watch));
    }

    [Fact]
    public async Task A_server_that_does_not_begin_to_answer_is_asked_again()
    {
        Server.Next(Watch, Stall, Frames(_open.Task, Frame(Changed(A, 2, 2))));
        await WatchAsync(Clock, A);
        Task<ulong?> next = NextAsync();
        await Eventually.HoldsAsync(() => Server.Count(Watch) == 1, "Nothing was sent.");
        Clock.Advance(TimeSpan.FromSeconds(31));
        await Eventually.HoldsAsync(() => Server.Active == 0, "It waits for ever.");
        Assert.Equal(2UL, await PassAsync(next));
    }

    [Fact]
    public async Task A_watch_gets_a_new_token_when_its_own_has_run_out()
    {
        await PutAsync(5);
        Server.Next(Watch, Frames(_open.Task, Frame(Changed(A, 1, 99))));
        await WatchAsync(A);
        Assert.Equal(1UL, await NextAsync());
        Server.Token = "the-second-data-token";
        Task<ulong?> next = NextAsync();
        _open.SetResult();
        Assert.Equal(5UL, await next);
        Assert.Equal((3, 2), (Server.Count(Watch), Server.Count(Metadata)));
    }

    [Fact]
    public async Task A_watch_goes_where_the_database_is_now()
    {
        await PutAsync(5);
        Server.Next(Watch, Frames(_open.Task, Frame(new Wire.WatchOutput { Status = Wire.SnapshotReadStatus.SrReadDisabled })));
        await WatchAsync(A);
        Server.Endpoints = [("/elsewhere", "strong")];
        Assert.Equal(5UL, await NextAsync());
        Assert.Equal("/elsewhere/watch", Server.Requests.Last(r => r.Call == Watch).Path);
    }

    [Theory]
    [InlineData(404, StorageErrorKind.Unavailable)]
    [InlineData(409, StorageErrorKind.Unavailable)]
    [InlineData(429, StorageErrorKind.Unavailable)]
    [InlineData(401, StorageErrorKind.AccessDenied)]
    public async Task A_refusal_ends_a_watch(int status, StorageErrorKind kind)
    {
        Server.Always(Watch, Status(status));
        await WatchAsync(A);
        await FailsAsync(kind, NextAsync);
        Assert.Equal(status == 401 ? 2 : 1, Server.Count(Watch));
    }

    [Fact]
    public async Task What_the_server_does_not_take_ends_a_watch_as_the_callers_mistake()
    {
        Server.Next(Watch, Status(400, "too many keys"));
        await WatchAsync(A);
        await Assert.ThrowsAsync<ArgumentException>(NextAsync);
    }

    [Fact]
    public async Task What_makes_no_sense_ends_a_watch()
    {
        byte[] tooLong = new byte[Protocol.FrameBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(tooLong, uint.MaxValue);
        byte[][] frames = [tooLong, [2, 0, 0, 0, 0xFF, 0xFF], Frame(), Frame(Changed(B, 1, 1)), Frame(new Wire.WatchOutput { Keys = { Changed(A, 1, 1) } })];
        foreach (byte[] frame in frames)
        {
            Server.Next(Watch, Frames(_open.Task, frame));
            await WatchAsync(A);
            await FailsAsync(StorageErrorKind.Corrupt, NextAsync);
            await _watch!.DisposeAsync();
            await _database!.DisposeAsync();
        }

        Assert.Equal(frames.Length, Server.Count(Watch));
    }

    [Fact]
    public async Task A_watch_that_nobody_asks_hears_the_server_all_the_same()
    {
        // Else a server that sends more than the buffers hold waits for one slow reader, and its pings are not heard.
        byte[] value = new byte[60_000];
        var sent = new TaskCompletionSource();
        Server.Next(Watch, async (http, _) =>
        {
            for (int i = 1; i <= 1_000; i++) await http.Response.Body.WriteAsync(Frame(new Wire.WatchKeyOutput { Changed = true, EntryIfChanged = WireForm.Of(new KvEntry(A, KvValue.OfBytes(value), new Versionstamp((ulong)i))) }), http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
            sent.SetResult();
            await Task.Delay(Timeout.Infinite, http.RequestAborted);
        });
        await WatchAsync(A);
        Assert.True(await _watch!.MoveNextAsync());
        await sent.Task.WaitAsync(TimeSpan.FromSeconds(20), Token);
        while (_watch.Current.Entries[0]!.Versionstamp.Counter != 1_000) Assert.True(await _watch.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token));
    }

    private static Wire.WatchKeyOutput Changed(byte[] key, ulong number, ulong stamp) => new() { Changed = true, EntryIfChanged = WireForm.Of(new KvEntry(key, KvValue.OfUInt64(number), new Versionstamp(stamp))) };

    private static ulong? Number(KvEntry? entry) => entry is not null && entry.Value.TryGetUInt64(out ulong number) ? number : null;

    private Task WatchAsync(params byte[][] keys) => WatchAsync(TimeProvider.System, keys);

    private async Task WatchAsync(TimeProvider clock, params byte[][] keys)
    {
        _database = await OpenAsync(clock);
        _watch = _database.WatchAsync([.. keys.Select(k => (ReadOnlyMemory<byte>)k)], Token).GetAsyncEnumerator(Token);
    }

    private async Task<ulong?> NextAsync()
    {
        Assert.True(await _watch!.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token), "The watch ended by itself.");
        return Number(_watch.Current.Entries[0]);
    }

    /// <summary>Counts how often timers are set anew.</summary>
    private sealed class TimerCounter(TimeProvider clock) : TimeProvider
    {
        private int _changes;

        public int Changes => Volatile.Read(ref _changes);

        public override long TimestampFrequency => clock.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

        public override long GetTimestamp() => clock.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Counted(this, clock.CreateTimer(callback, state, dueTime, period));

        private sealed class Counted(TimerCounter counter, ITimer timer) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                bool isChanged = timer.Change(dueTime, period);
                Interlocked.Increment(ref counter._changes);
                return isChanged;
            }

            public void Dispose() => timer.Dispose();

            public ValueTask DisposeAsync() => timer.DisposeAsync();
        }
    }
}
