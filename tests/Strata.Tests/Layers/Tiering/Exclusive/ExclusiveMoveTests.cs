using Strata.Testing;
using Xunit;
using static Strata.Tests.HomesFixture;

namespace Strata.Tests;

/// <summary>Moves between homes: what may come in between, and what may fail.</summary>
public sealed class ExclusiveMoveTests
{
    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task A_move_takes_the_write_as_it_is_and_leaves_nothing_behind()
    {
        await using HomesFixture f = await OpenAsync();
        BlobInfo info = (await f.PutAsync(50, options: new WriteOptions { ContentType = "text/plain", ETag = "own" })).Info!;
        Assert.Equal(MoveStatus.Moved, await f.Store.MoveAsync(Key, "cold", false, None));
        Assert.Equal("cold 50", await f.TiersAsync());
        Assert.Equal(info with { Tier = "cold" }, await f.Store.StatAsync(Key));
        Assert.Equal((0, 0), (f.Store.Pending, f.Store.GetMoves().Count));
        Assert.Equal(MoveStatus.Unchanged, await f.Store.MoveAsync(Key, "cold", false, None));
        Assert.Equal(MoveStatus.Moved, await f.Store.MoveAsync(Key, "warm", false, None));
        Assert.Equal(("warm 50", "warm 50 of 1"), (await f.TiersAsync(), await f.StateAsync()));
        Assert.Equal(MoveStatus.Missing, await f.Store.MoveAsync(BlobKey.Parse("none"), "cold", false, None));
        Assert.Equal(StorageErrorKind.Unsupported, (await Assert.ThrowsAsync<StorageException>(async () => await f.Store.MoveAsync(Key, "cold", true, None))).Kind);
        await Assert.ThrowsAsync<ArgumentException>(async () => await f.Store.MoveAsync(Key, "no such tier", false, None));
    }

    [Fact]
    public async Task A_tier_that_does_not_take_the_blob_refuses_the_move()
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(500);
        Assert.Equal(MoveStatus.Refused, await f.Store.MoveAsync(Key, "warm", false, None));
        await f.PutAsync(50);
        f.ColdStage.Before = operation => operation == StoreOperation.Write ? throw new StorageException(StorageErrorKind.Full, "No room.") : Task.CompletedTask;
        Assert.Equal(MoveStatus.Refused, await f.Store.MoveAsync(Key, "cold", false, None));
        Assert.Equal(("warm 50 of 1", "warm 50", 0), (await f.StateAsync(), await f.TiersAsync(), f.Store.Pending));
    }

    [Theory]
    [InlineData(StoreOperation.Write, false)]
    [InlineData(StoreOperation.Write, true)]
    [InlineData(StoreOperation.Read, false)]
    public async Task A_target_that_fails_leaves_the_blob_where_it_was(StoreOperation fails, bool afterwards)
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(50);
        Func<StoreOperation, Task> fault = operation => operation == fails ? throw Down(afterwards ? WriteOutcome.Unknown : WriteOutcome.NotApplied) : Task.CompletedTask;
        if (afterwards) f.ColdStage.After = fault;
        else f.ColdStage.Before = fault;
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await f.Store.MoveAsync(Key, "cold", false, None));
        Assert.Equal("cold", error.Store);
        Assert.Equal("warm 50 of 1", await f.StateAsync());
        f.ColdStage.Before = f.ColdStage.After = _ => Task.CompletedTask;
        f.Clock.Advance(TimeSpan.FromMinutes(16));
        await f.Store.SettleNowAsync();
        await Eventually.HoldsAsync(() => f.Store.Pending == 0, "The copy stays.");
        Assert.Equal("warm 50", await f.TiersAsync());
        Assert.Equal(MoveStatus.Moved, await f.Store.MoveAsync(Key, "cold", false, None));
    }

    [Fact]
    public async Task A_copy_that_reads_back_wrong_is_not_published()
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(50);
        f.ColdStage.Before = async operation =>
        {
            // The tier says that it holds the write, and gives other bytes.
            if (operation == StoreOperation.Read && await f.Cold.StatAsync(Key) is { } held) await f.Cold.PutBytesAsync(Key, Bytes(50, 9), new WriteOptions { AsCopyOf = held with { Checksum = Crc32C.Of(Bytes(50, 9)) } });
        };
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await f.Store.MoveAsync(Key, "cold", false, None));
        Assert.Equal((StorageErrorKind.Corrupt, "cold"), (error.Kind, error.Store));
        Assert.Equal(("warm 50 of 1", "warm 50", 0), (await f.StateAsync(), await f.TiersAsync(), f.Store.Pending));
    }

    [Theory]
    [InlineData(StoreOperation.Write, false, 60)]
    [InlineData(StoreOperation.Write, true, 60)]
    [InlineData(StoreOperation.Read, false, 60)]
    [InlineData(StoreOperation.Read, true, 60)]
    [InlineData(StoreOperation.Write, false, 600)]
    [InlineData(StoreOperation.Write, true, 600)]
    [InlineData(StoreOperation.Read, false, 600)]
    [InlineData(StoreOperation.Read, true, 600)]
    [InlineData(StoreOperation.Write, false, 0)]
    [InlineData(StoreOperation.Write, true, 0)]
    [InlineData(StoreOperation.Read, false, 0)]
    [InlineData(StoreOperation.Read, true, 0)]
    public async Task A_write_or_a_delete_while_a_blob_is_moved_wins(StoreOperation at, bool afterwards, int length)
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(50);
        bool isOver = false;
        Func<StoreOperation, Task> meanwhile = async operation =>
        {
            if (operation != at || isOver) return;
            isOver = true;
            Assert.Equal(Bytes(50), await f.Store.GetBytesAsync(Key));
            Assert.Single(f.Store.GetMoves());
            if (length > 0) await f.PutAsync(length, 2);
            else await f.Store.DeleteAsync(Key);
        };
        if (afterwards) f.ColdStage.After = meanwhile;
        else f.ColdStage.Before = meanwhile;
        Assert.Equal(MoveStatus.Overtaken, await f.Store.MoveAsync(Key, "cold", false, None));
        Assert.True(isOver);
        await f.Store.SettleNowAsync();
        await Eventually.HoldsAsync(() => f.Store.Pending == 0, "Something of the move stays.");
        string where = length switch { 0 => "", < 100 => $"warm {length}", _ => $"cold {length}" };
        Assert.Equal((length == 0 ? "none" : $"{where} of 2", where), (await f.StateAsync(), await f.TiersAsync()));
    }

    [Fact]
    public async Task Moves_and_writes_of_one_key_at_once_lose_nothing_and_leave_one_home()
    {
        await using HomesFixture f = await OpenAsync();
        await f.PutAsync(50);
        int last = 0;
        Task[] movers = [.. Enumerable.Range(0, 2).Select(m => Task.Run(async () =>
        {
            for (int i = 0; i < 300; i++) await f.Store.MoveAsync(Key, (i + m) % 2 == 0 ? "cold" : "warm", false, None);
        }))];
        Task reader = Task.Run(async () =>
        {
            int seen = 0;
            while (!movers.All(m => m.IsCompleted))
            {
                int now = Volatile.Read(ref last);
                byte[] bytes = (await f.Store.GetBytesAsync(Key))!;
                Assert.True(bytes.Length > 0 && bytes.All(b => b == bytes[0]));
                Assert.True(bytes.Length - 50 >= Math.Max(now, seen), $"A read begun after write {now} and after {seen} was seen finds {bytes.Length - 50}.");
                seen = bytes.Length - 50;
            }
        });
        for (int i = 1; i <= 300; i++)
        {
            await f.Store.PutBytesAsync(Key, Bytes(50 + i, (byte)i));
            Volatile.Write(ref last, i);
        }

        await Task.WhenAll([.. movers, reader]);
        await f.Store.SettleNowAsync();
        await Eventually.HoldsAsync(() => f.Store.Pending == 0, "Something stays unfinished.");
        Assert.Equal($"{(await f.Store.StatAsync(Key))!.Tier} 350", await f.TiersAsync());
    }
}
