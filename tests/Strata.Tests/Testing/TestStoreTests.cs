using System.Buffers;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What the fault, latency and chunking stores do when they are told to.</summary>
public sealed class TestStoreTests : IAsyncDisposable
{
    private static readonly BlobKey Key = BlobKey.Parse("a");
    private readonly FakeClock _clock = new();
    private readonly MemoryBlobStore _memory;

    public TestStoreTests() => _memory = new MemoryBlobStore(null, new StoreContext { Clock = _clock });

    public ValueTask DisposeAsync() => _memory.DisposeAsync();

    [Fact]
    public async Task A_fault_before_a_write_leaves_it_unapplied()
    {
        await using var store = new FaultStore(_memory);
        store.Inject(StoreFault.On(StoreOperation.Write) with { Kind = StorageErrorKind.Timeout });
        var error = await Assert.ThrowsAsync<StorageException>(async () => await store.PutBytesAsync(Key, new byte[3]));
        Assert.Equal((StorageErrorKind.Timeout, WriteOutcome.NotApplied, true), (error.Kind, error.Outcome, error.IsTransient));
        Assert.False(await store.ExistsAsync(Key));
        store.Heal();
        await store.PutBytesAsync(Key, new byte[3]);
        Assert.Equal((1, 2), (store.Raised, store.CountOf(StoreOperation.Write)));
    }

    [Theory]
    [InlineData(StoreOperation.Write)]
    [InlineData(StoreOperation.Commit)]
    public async Task A_fault_after_a_write_leaves_it_applied_and_its_outcome_unknown(StoreOperation operation)
    {
        await using var store = new FaultStore(_memory);
        store.Inject(StoreFault.On(operation) with { Moment = CallMoment.After });
        var error = await Assert.ThrowsAsync<StorageException>(async () =>
        {
            if (operation == StoreOperation.Write) await store.PutBytesAsync(Key, new byte[3]);
            await using IBlobWriter writer = await store.OpenWriterAsync(Key);
            await writer.CommitAsync(null, CancellationToken.None);
        });
        Assert.Equal(WriteOutcome.Unknown, error.Outcome);
        Assert.True(await store.ExistsAsync(Key));
    }

    [Fact]
    public async Task A_fault_may_wait_for_the_nth_call_and_heal()
    {
        await using var store = new FaultStore(_memory);
        store.Inject(StoreFault.OnNth(StoreOperation.Stat, 3));
        store.Inject(new StoreFault { When = call => call.Key.Value == "bad", Error = call => new IOException($"call {call.Number}") });
        await store.StatAsync(Key);
        await store.StatAsync(Key);
        await Assert.ThrowsAsync<StorageException>(async () => await store.StatAsync(Key));
        await store.StatAsync(Key);
        Assert.Equal("call 5", (await Assert.ThrowsAsync<IOException>(async () => await store.StatAsync(BlobKey.Parse("bad")))).Message);
    }

    [Fact]
    public async Task A_stream_may_fail_in_the_middle()
    {
        await using var store = new FaultStore(new ChunkingStore(_memory));
        await store.PutBytesAsync(Key, new byte[1000]);
        store.Inject(StoreFault.OnNth(StoreOperation.ReadStream, 4));
        await using BlobReadResult? read = await store.ReadAsync(Key);
        await using Stream stream = read!.OpenStream();
        await Assert.ThrowsAsync<StorageException>(() => stream.CopyToAsync(Stream.Null));
        Assert.Equal(4, store.CountOf(StoreOperation.ReadStream));
    }

    [Fact]
    public async Task A_gate_holds_calls_before_they_are_done()
    {
        await using var store = new LatencyStore(_memory);
        using StoreGate gate = store.Hold(StoreOperation.Write);
        Task<WriteResult> write = store.PutBytesAsync(Key, new byte[3]).AsTask();
        await gate.WaitForArrivalAsync();
        Assert.False(write.IsCompleted);
        Assert.False(await store.ExistsAsync(Key));
        gate.Open();
        Assert.True((await write).IsWritten);
        await store.PutBytesAsync(Key, new byte[3]);
        Assert.Equal(1, gate.Arrived);
    }

    [Fact]
    public async Task A_gate_holds_calls_after_they_are_done()
    {
        await using var store = new LatencyStore(_memory);
        await store.PutBytesAsync(Key, new byte[3]);
        using StoreGate gate = store.Hold(call => call.Operation == StoreOperation.Read && call.Key == Key, CallMoment.After);
        Task<byte[]?>[] reads = [store.GetBytesAsync(Key).AsTask(), store.GetBytesAsync(Key).AsTask()];
        await gate.WaitForArrivalAsync(2);
        await store.DeleteAsync(Key);
        Assert.Null(await store.GetBytesAsync(BlobKey.Parse("b")));
        gate.Open();
        foreach (byte[]? bytes in await Task.WhenAll(reads)) Assert.Equal(3, bytes!.Length);
    }

    [Fact]
    public async Task A_held_call_can_be_cancelled()
    {
        await using var store = new LatencyStore(_memory);
        using StoreGate gate = store.Hold(StoreOperation.Write);
        using var source = new CancellationTokenSource();
        Task<WriteResult> write = store.PutBytesAsync(Key, new byte[3], null, source.Token).AsTask();
        await gate.WaitForArrivalAsync();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        Assert.False(await store.ExistsAsync(Key));
    }

    [Fact]
    public async Task A_delay_is_measured_on_the_clock_of_the_context()
    {
        await using var store = new LatencyStore(_memory, new StoreContext { Clock = _clock }) { Delay = TimeSpan.FromSeconds(30) };
        int before = _clock.ArmedTimers;
        Task<BlobInfo?> stat = store.StatAsync(Key).AsTask();
        await _clock.WaitForTimersAsync(before + 1);
        Assert.False(stat.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Null(await stat);
    }

    [Fact]
    public async Task Chunks_are_small_and_odd_and_never_a_sequence()
    {
        await using var store = new ChunkingStore(_memory, maxChunk: 9);
        await store.PutBytesAsync(Key, new byte[1000]);
        await using BlobReadResult? read = await store.ReadAsync(Key);
        Assert.False(read!.TryGetSequence(out ReadOnlySequence<byte> _));
        await using Stream stream = read.OpenStream();
        byte[] buffer = new byte[100];
        List<int> sizes = [];
        for (int size; (size = await stream.ReadAsync(buffer)) > 0;) sizes.Add(size);
        Assert.Equal(1000, sizes.Sum());
        Assert.All(sizes.SkipLast(1), size => Assert.True(size is 1 or 3 or 5 or 7 or 9, $"{size}"));
        Assert.True(sizes.Distinct().Count() >= 4);
    }

    [Fact]
    public async Task Only_facets_that_watch_are_passed_on()
    {
        await using var store = new FaultStore(new LatencyStore(new ChunkingStore(_memory)));
        Assert.True(store.TryGetFacet(out IStoreStatistics? _));
        Assert.True(store.TryGetFacet(out IEvictionSource? _));
        Assert.False(store.TryGetFacet(out ISharedReads? _));
    }
}
