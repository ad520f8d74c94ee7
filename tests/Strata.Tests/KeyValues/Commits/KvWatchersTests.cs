using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What watches cost: who has nothing new to tell reads no value, and who is told the same as others holds no copy of its own.</summary>
public sealed class KvWatchersTests : IAsyncDisposable
{
    private readonly MemoryKvDatabase _database = new();
    private readonly KvWatchers _watchers = new(new FakeClock(), "test");
    private readonly List<IAsyncEnumerator<WatchUpdate>> _watches = [];
    private readonly List<Task<bool>> _asked = [];
    private int _looks;
    private int _reads;

    public async ValueTask DisposeAsync()
    {
        _watchers.Close();
        foreach (Task<bool> asked in _asked) await Record.ExceptionAsync(() => asked);
        foreach (IAsyncEnumerator<WatchUpdate> watch in _watches) await watch.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_value_that_a_hundred_watch_is_read_once_and_held_once()
    {
        await SetAsync("a", "1");
        IAsyncEnumerator<WatchUpdate>[] watches = [.. Enumerable.Range(0, 100).Select(_ => Watch("a", "b"))];
        foreach (IAsyncEnumerator<WatchUpdate> watch in watches) Assert.True(await watch.MoveNextAsync());
        Assert.Equal(1, _reads);
        Assert.All(watches, watch => Assert.Same(watches[0].Current.Entries[0], watch.Current.Entries[0]));

        Task<bool>[] next = [.. watches.Select(watch => Next(watch))];
        Versionstamp stamp = await SetAsync("a", "2");
        _watchers.Changed([Key("a")]);
        Assert.All(await Task.WhenAll(next), Assert.True);
        Assert.All(watches, watch => Assert.Equal(stamp, watch.Current.Entries[0]!.Versionstamp));
        Assert.All(watches, watch => Assert.Equal("2"u8.ToArray(), watch.Current.Entries[0]!.Value.Data.ToArray()));
    }

    [Fact]
    public async Task Whoever_looks_in_vain_reads_no_value()
    {
        await SetAsync("a", "1");
        IAsyncEnumerator<WatchUpdate> watch = Watch("a");
        Assert.True(await watch.MoveNextAsync());
        Task<bool> next = Next(watch);
        int looks = _looks;
        _watchers.AllChanged();
        await Eventually.HoldsAsync(() => _looks > looks, "It was told that something has changed, and did not look.");
        Assert.Equal(1, _reads);
        Assert.False(next.IsCompleted);
    }

    [Fact]
    public async Task What_was_found_wakes_those_who_have_told_something_else()
    {
        Versionstamp first = await SetAsync("a", "1");
        IAsyncEnumerator<WatchUpdate> one = Watch("a"), other = Watch("b", "a");
        Watch("b");
        foreach (IAsyncEnumerator<WatchUpdate> watch in _watches) Assert.True(await watch.MoveNextAsync());
        Task<bool>[] next = [.. _watches.Select(watch => Next(watch))];
        Assert.Equal(["a", "b"], _watchers.Keys.Select(k => System.Text.Encoding.ASCII.GetString(k.Span)).Order(StringComparer.Ordinal));
        int looks = _looks;
        _watchers.Found([new(Key("a"), first), new(Key("b"), Versionstamp.None), new(Key("c"), first)]);
        Versionstamp second = await SetAsync("a", "2");
        _watchers.Found([new(Key("a"), second), new(Key("b"), Versionstamp.None)]);
        Assert.True(await next[0] && await next[1]);
        Assert.Equal((second, second), (one.Current.Entries[0]!.Versionstamp, other.Current.Entries[1]!.Versionstamp));
        Assert.Equal(looks + 2, _looks);
        await _database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Delete(Key("a"))] }, CancellationToken.None);
        Task<bool> gone = Next(one);
        _watchers.Found([new(Key("a"), Versionstamp.None)]);
        Assert.True(await gone);
        Assert.Null(one.Current.Entries[0]);
        Assert.False(next[2].IsCompleted);
    }

    private static byte[] Key(string text) => System.Text.Encoding.ASCII.GetBytes(text);

    private async Task<Versionstamp> SetAsync(string key, string value) =>
        (await _database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(Key(key), KvValue.OfBytes(Key(value)))] }, CancellationToken.None)).Versionstamp;

    private IAsyncEnumerator<WatchUpdate> Watch(params string[] keys)
    {
        _watches.Add(_watchers.WatchAsync(ReadAsync, [.. keys.Select(k => (ReadOnlyMemory<byte>)Key(k))], CancellationToken.None).GetAsyncEnumerator());
        return _watches[^1];
    }

    private Task<bool> Next(IAsyncEnumerator<WatchUpdate> watch)
    {
        _asked.Add(watch.MoveNextAsync().AsTask());
        return _asked[^1];
    }

    /// <summary>Copies, as a database does that keeps its entries in files.</summary>
    private async ValueTask<IReadOnlyList<KvRange>> ReadAsync(IReadOnlyList<ReadRange> ranges, CancellationToken cancellationToken)
    {
        if (ranges[0].KeysOnly) Interlocked.Increment(ref _looks);
        else Interlocked.Increment(ref _reads);
        IReadOnlyList<KvRange> found = await _database.SnapshotReadAsync(ranges, null, cancellationToken);
        return [.. found.Select(r => new KvRange([.. r.Entries.Select(e => e with { Value = e.Value with { Data = e.Value.Data.ToArray() } })]))];
    }
}
