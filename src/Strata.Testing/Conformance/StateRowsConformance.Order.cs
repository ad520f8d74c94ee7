using System.Globalization;
using Xunit;

namespace Strata.Testing;

/// <content>One order of all commits, whoever makes them.</content>
public abstract partial class StateRowsConformance
{
    [Fact]
    public async Task Versionstamps_grow_from_commit_to_commit_with_blobs_and_without()
    {
        Record();
        Versionstamp last = Versionstamp.None;
        for (int i = 0; i < 10; i++)
        {
            await PutAsync("a", i);
            Versionstamp with = (await EntryAsync("row/a"))!.Versionstamp;
            Assert.True(with > last);
            last = await RowAsync(KvMutation.Set(Key("alone"), Value("x")));
            Assert.True(last > with);
        }
    }

    [Fact]
    public async Task Checks_and_sums_see_rows_that_came_with_blobs()
    {
        Facet.Record(change => [KvMutation.Set(Key("row"), Value("x")), KvMutation.Set(Key("number"), KvValue.OfUInt64(100))]);
        await PutAsync("a", 1);
        Versionstamp first = (await EntryAsync("row"))!.Versionstamp;
        await PutAsync("a", 2);
        CommitResult stale = await Rows.AtomicWriteAsync(new AtomicWrite { Checks = [new KvCheck(Key("row"), first)], Mutations = [KvMutation.Delete(Key("row"))] }, CancellationToken.None);
        Assert.False(stale.IsCommitted, "A check held although a blob's change had changed its row.");
        await RowAsync(KvMutation.Sum(Key("number"), 5));
        Assert.True((await EntryAsync("number"))!.Value.TryGetUInt64(out ulong sum));
        Assert.Equal(105ul, sum);
    }

    [Fact]
    public async Task A_watch_sees_rows_that_come_with_blobs()
    {
        Record();
        using var end = new CancellationTokenSource(Deadline);
        IAsyncEnumerator<WatchUpdate> watch = Rows.WatchAsync([Key("row/a")], end.Token).GetAsyncEnumerator(end.Token);
        await using (watch)
        {
            Assert.True(await watch.MoveNextAsync());
            Assert.Null(watch.Current.Entries[0]);
            BlobInfo written = await PutAsync("a", 1);
            Assert.True(await watch.MoveNextAsync());
            Assert.Equal(written.Version.Value.ToString(CultureInfo.InvariantCulture), Text(watch.Current.Entries[0]!.Value.Data));
            await Store.DeleteAsync(BlobKey.Parse("a"));
            Assert.True(await watch.MoveNextAsync());
            Assert.EndsWith("deleted", Text(watch.Current.Entries[0]!.Value.Data));
        }
    }

    [Fact]
    public async Task The_recorder_is_told_the_changes_of_a_key_one_at_a_time_and_in_the_order_of_their_commits()
    {
        const int Threads = 6, Each = 40, Keys = 3;
        int[] inside = new int[Keys];
        bool isOverlapping = false;
        Facet.Record(change =>
        {
            int key = change.Key.ToString()[^1] - '0';
            if (Interlocked.Increment(ref inside[key]) != 1) isOverlapping = true;
            _recorded.Enqueue(change);
            Interlocked.Decrement(ref inside[key]);
            return [KvMutation.SetVersionstampedKey(Key($"log/{key}/"), Value(Describe(change))), KvMutation.SetVersionstampedKey(Key("all/"), Value($"{key} {change.Version.Value}")), KvMutation.Set(Key($"row/{key}"), Value(Describe(change)))];
        });
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(async () =>
        {
            for (int i = 0; i < Each; i++)
            {
                var key = BlobKey.Parse($"k{(thread + i) % Keys}");
                if (i % 7 == 6) await Store.DeleteAsync(key);
                else await Store.PutBytesAsync(key, Bytes(50, i));
                if (i % 3 == 0) await RowAsync(KvMutation.SetVersionstampedKey(Key("all/"), Value("alone")), KvMutation.Sum(Key("count"), 1));
            }
        }))).WaitAsync(Deadline);
        Assert.False(isOverlapping, "Two changes of one key were recorded at once.");
        for (int key = 0; key < Keys; key++)
        {
            ulong[] versions = [.. (await AllAsync($"log/{key}/")).Select(e => ulong.Parse(Text(e.Value.Data).Split(' ')[0], CultureInfo.InvariantCulture))];
            Assert.Equal(versions.Order(), versions);
            Assert.Equal(versions.Distinct(), versions);
            string last = (await TextAsync($"row/{key}"))!;
            Assert.StartsWith($"{versions[^1]}", last, StringComparison.Ordinal);
            BlobInfo? now = await Store.StatAsync(BlobKey.Parse($"k{key}"));
            Assert.Equal(now is null ? $"{versions[^1]} deleted" : $"{now.Version.Value}", last);
        }

        List<KvEntry> all = await AllAsync("all/");
        Assert.Equal(all.Count, all.Select(e => e.Versionstamp).Distinct().Count());
        Assert.True((await EntryAsync("count"))!.Value.TryGetUInt64(out ulong counted));
        Assert.Equal((ulong)(Threads * ((Each + 2) / 3)), counted);
    }

    [Fact]
    public async Task A_row_that_is_removed_by_its_stamp_never_takes_a_newer_change_with_it()
    {
        // What an outbox does: a worker sends the state that it finds, then removes the row if it still has its stamp.
        const int Keys = 4, Writers = 3, Each = 60;
        Facet.Record(change => [KvMutation.Set(Key($"row/{change.Key}"), Value($"{change.Version.Value}"))]);
        ulong[] sent = new ulong[Keys];
        using var isDone = new CancellationTokenSource();
        Task worker = Task.Run(async () =>
        {
            while (true)
            {
                bool isLast = isDone.IsCancellationRequested;
                foreach (KvEntry row in await AllAsync("row/"))
                {
                    int key = Text(row.Key)[^1] - '0';
                    ulong state = (await Store.StatAsync(BlobKey.Parse($"k{key}")))?.Version.Value ?? 0;
                    await Rows.AtomicWriteAsync(new AtomicWrite { Checks = [new KvCheck(row.Key, row.Versionstamp)], Mutations = [KvMutation.Delete(row.Key)] }, CancellationToken.None);
                    sent[key] = Math.Max(sent[key], state);
                }

                if (isLast && (await AllAsync("row/")).Count == 0) return;
            }
        });
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (int i = 0; i < Each; i++) await Store.PutBytesAsync(BlobKey.Parse($"k{(writer + i) % Keys}"), Bytes(20, i));
        }))).WaitAsync(Deadline);
        await isDone.CancelAsync();
        await worker.WaitAsync(Deadline);
        for (int key = 0; key < Keys; key++) Assert.Equal((await Store.StatAsync(BlobKey.Parse($"k{key}")))!.Version.Value, sent[key]);
    }
}
