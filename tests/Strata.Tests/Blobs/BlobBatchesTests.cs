using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Many reads and writes in one call: an outcome for each, in order, and never more at a time than asked.</summary>
public sealed class BlobBatchesTests : IAsyncDisposable
{
    private readonly LatencyStore _gates;
    private readonly FaultStore _store;

    public BlobBatchesTests()
    {
        _gates = new LatencyStore(new MemoryBlobStore());
        _store = new FaultStore(_gates);
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Outcomes_come_in_the_order_asked_and_a_failure_stops_no_other()
    {
        WriteManyResult written = await _store.WriteManyAsync([.. Enumerable.Range(0, 100).Select(i => Write(i, $"{i}"))]);
        Assert.Equal((100, true), (written.Written, written.IsComplete));
        Assert.Equal(Enumerable.Range(0, 100).Select(Key), written.Outcomes.Select(o => o.Key));
        _store.Inject(new StoreFault { When = call => call.Key == Key(7) });
        List<string> read = [];
        await foreach (ReadOutcome outcome in _store.ReadManyAsync([.. Enumerable.Range(0, 20).Select(Key), Key(500), Key(3)]))
        {
            if (outcome.Result is not { } result)
            {
                read.Add(outcome.IsMissing ? "missing" : $"{outcome.Error!.Kind}");
                continue;
            }

            await using (result) read.Add(Encoding.UTF8.GetString(await result.ToArrayAsync()));
        }

        Assert.Equal([.. Enumerable.Range(0, 20).Select(i => i == 7 ? "Unavailable" : $"{i}"), "missing", "3"], read);
        written = await _store.WriteManyAsync([Write(6, "x"), Write(7, "x"), new BlobWrite(Key(8), BlobContent.From("x"u8.ToArray()), new WriteOptions { Condition = WriteCondition.IfAbsent })]);
        Assert.Equal((1, false), (written.Written, written.IsComplete));
        Assert.Equal(WriteStatus.PreconditionFailed, written.Outcomes[2].Result!.Status);
    }

    [Fact]
    public async Task No_more_are_under_way_than_asked()
    {
        await _store.WriteManyAsync([.. Enumerable.Range(0, 50).Select(i => Write(i, "v"))]);
        using StoreGate gate = _gates.Hold(StoreOperation.Read);
        await using IAsyncEnumerator<ReadOutcome> reads = _store.ReadManyAsync([.. Enumerable.Range(0, 50).Select(Key)], parallelism: 5).GetAsyncEnumerator();
        ValueTask<bool> first = reads.MoveNextAsync();
        await gate.WaitForArrivalAsync(5);
        Assert.Equal(5, _gates.CountOf(StoreOperation.Read));
        gate.Open();
        Assert.True(await first);

        // Nobody takes the results: no more are read than the window holds.
        await Eventually.HoldsAsync(() => _gates.CountOf(StoreOperation.Read) == 5, "a caller that takes nothing must not be read ahead for");
        await reads.Current.Result!.DisposeAsync();
    }

    [Fact]
    public async Task The_last_write_of_a_key_in_a_batch_is_what_stays()
    {
        for (int run = 0; run < 50; run++)
        {
            await _store.WriteManyAsync([.. Enumerable.Range(0, 40).Select(i => Write(i % 3, $"{run}-{i}"))]);
            Assert.Equal($"{run}-39", Encoding.UTF8.GetString((await _store.GetBytesAsync(Key(0)))!));
        }
    }

    [Fact]
    public async Task What_was_read_ahead_is_given_back_when_the_caller_goes()
    {
        var store = new LeasedReads();
        await foreach (ReadOutcome outcome in store.ReadManyAsync([.. Enumerable.Range(0, 50).Select(Key)], parallelism: 8))
        {
            await outcome.Result!.DisposeAsync();
            break;
        }

        Assert.True(store.Taken > 1, "the test needs reads ahead");
        Assert.Equal(store.Taken, store.GivenBack);
    }

    [Fact]
    public async Task A_caller_that_gives_up_and_a_closed_store_end_the_batch()
    {
        using var stop = new CancellationTokenSource();
        using StoreGate gate = _gates.Hold(StoreOperation.Write);
        Task<WriteManyResult> batch = _store.WriteManyAsync([.. Enumerable.Range(0, 50).Select(i => Write(i, "v"))], 2, stop.Token).AsTask();
        await gate.WaitForArrivalAsync(2);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => batch);
        gate.Open();
        await _store.DisposeAsync();
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => _store.WriteManyAsync([Write(1, "v")]).AsTask());
        Assert.Equal(StorageErrorKind.Closed, e.Kind);
        await Assert.ThrowsAsync<StorageException>(async () =>
        {
            await foreach (ReadOutcome _ in _store.ReadManyAsync([Key(1)])) Assert.Fail("a closed store answers nothing");
        });
        Assert.Throws<ArgumentOutOfRangeException>(() => _store.ReadManyAsync([Key(1)], 0));
    }

    private static BlobKey Key(int number) => BlobKey.Parse($"a/{number}");

    private static BlobWrite Write(int number, string text) => new(Key(number), BlobContent.From(Encoding.UTF8.GetBytes(text)));
}
