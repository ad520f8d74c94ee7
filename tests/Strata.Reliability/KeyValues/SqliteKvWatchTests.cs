using System.Diagnostics;
using System.Text;
using Strata.Sqlite;

namespace Strata.Reliability;

public sealed class SqliteKvWatchTests : KvWatchTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Ten_thousand_watches_see_what_another_process_writes_and_do_not_all_wake()
    {
        const int Watches = 10_000, Writes = 100;
        await using IKvDatabase database = await OpenAsync(), another = await OpenAsync();
        IAsyncEnumerator<WatchUpdate>[] watches = [.. Enumerable.Range(0, Watches).Select(i => database.WatchAsync([Key(i)], CancellationToken.None).GetAsyncEnumerator())];
        foreach (IAsyncEnumerator<WatchUpdate> watch in watches) Assert.True(await watch.MoveNextAsync());
        long reads = ((SqliteKvDatabase)database).Reads;
        double longest = 0;
        TimeSpan before = Environment.CpuUsage.TotalTime;
        for (int i = 0; i < Writes; i++)
        {
            ValueTask<bool> next = watches[i * 97].MoveNextAsync();
            CommitResult written = await another.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(Key(i * 97), KvValue.OfUInt64(1))] }, CancellationToken.None);
            long at = Stopwatch.GetTimestamp();
            Assert.True(await next.AsTask().WaitAsync(TimeSpan.FromSeconds(60)));
            longest = Math.Max(longest, Stopwatch.GetElapsedTime(at).TotalMilliseconds);
            Assert.Equal(written.Versionstamp, watches[i * 97].Current.Entries[0]!.Versionstamp);
        }

        double took = (Environment.CpuUsage.TotalTime - before).TotalMilliseconds / Writes;
        reads = ((SqliteKvDatabase)database).Reads - reads;
        TestContext.Current.TestOutputHelper!.WriteLine($"{Writes} writes of another process, each to one of {Watches} watched keys: told after {longest:f0} ms at most, {took:f1} ms of processor time each, {reads} reads");
        Assert.True(reads <= 2 * Writes, $"{Writes} writes made the {Watches} watches read {reads} times.");
        foreach (IAsyncEnumerator<WatchUpdate> watch in watches) await watch.DisposeAsync();

        static byte[] Key(int number) => Encoding.ASCII.GetBytes($"{number}");
    }

    protected override async ValueTask<IKvDatabase> OpenAsync() => await SqliteKvDatabase.OpenAsync(new SqliteKvDatabaseOptions { Path = Path.Combine(_folder.Path, "kv.db"), Durability = SqliteDurability.OperatingSystem });

    protected override int CountWatches(IKvDatabase database) => ((SqliteKvDatabase)database).Watches;
}
