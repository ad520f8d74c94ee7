namespace Strata.Benchmarks;

/// <summary>
/// What it costs that each blob has one home: put and get of 1 KiB through the placement index against the home alone, and a journalled,
/// verified move against a read, a write and a delete by hand. The index is in the rows of the first home.
/// </summary>
internal sealed class Exclusive : BenchmarkCase
{
    private const int Keys = 1_000;
    private const int ValueLength = 1_024;
    private readonly byte[] _value = Payload.Of(ValueLength);
    private readonly BlobKey[] _keys = [.. Enumerable.Range(0, Keys).Select(i => BlobKey.Parse($"object-{i:x8}"))];

    public override string Name => "exclusive";

    public override string Summary => "put, get and move of 1 KiB where each blob has one home, against the home store alone";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        foreach (DiskDurability durability in (DiskDurability[])[DiskDurability.Flush, DiskDurability.OperatingSystem])
        {
            string kind = durability == DiskDurability.Flush ? "durable " : "";
            DiskBlobStore warm = await OpenAsync(folder[$"{kind}warm"], durability);
            DiskBlobStore cold = await OpenAsync(folder[$"{kind}cold"], durability);
            await using ExclusiveBlobStore homes = await ExclusiveBlobStore.OpenAsync([new Tier { Name = "warm", Store = warm }, new Tier { Name = "cold", Store = cold }], warm.Rows, ownsIndex: false);
            await using DiskBlobStore bare = await OpenAsync(folder[$"{kind}bare"], durability);
            await using DiskBlobStore other = await OpenAsync(folder[$"{kind}other"], durability);
            await CompareAsync(contest, $"{kind}put", homes, bare, PutAsync);
            if (durability == DiskDurability.OperatingSystem) await CompareAsync(contest, "get", homes, bare, GetAsync);
            await MoveAsync(contest, $"{kind}move", homes, bare, other);
        }
    }

    private async Task CompareAsync(Contest contest, string metric, IBlobStore homes, IBlobStore bare, Func<IBlobStore, int, Task> run)
    {
        await PutAsync(homes, Keys);
        await PutAsync(bare, Keys);
        Lane ours = contest.Add("homes", (_, operations) => run(homes, operations));
        Lane peer = contest.Add("home alone", (_, operations) => run(bare, operations));
        await contest.RunAsync();
        AddRows(contest, metric, ours, peer);
    }

    private async Task MoveAsync(Contest contest, string metric, ExclusiveBlobStore homes, DiskBlobStore bare, DiskBlobStore other)
    {
        int moved = 0, copied = 0;
        Lane ours = contest.Add("move", async (_, operations) =>
        {
            for (int i = 0; i < operations; i++, moved++)
                Sink.Expect((long)await homes.MoveAsync(_keys[moved % Keys], moved / Keys % 2 == 0 ? "cold" : "warm", false, CancellationToken.None), (long)MoveStatus.Moved);
        });
        Lane peer = contest.Add("read, write, delete", async (_, operations) =>
        {
            for (int i = 0; i < operations; i++, copied++)
            {
                (DiskBlobStore from, DiskBlobStore to) = copied / Keys % 2 == 0 ? (bare, other) : (other, bare);
                BlobKey key = _keys[copied % Keys];
                await using BlobReadResult read = (await from.ReadAsync(key))!;
                await to.WriteAsync(key, BlobContent.From(read), new WriteOptions { AsCopyOf = read.Info });
                await from.DeleteAsync(key);
            }
        });
        await contest.RunAsync();
        AddRows(contest, metric, ours, peer);
    }

    private async Task PutAsync(IBlobStore store, int operations)
    {
        for (int i = 0; i < operations; i++) await store.PutBytesAsync(_keys[i % Keys], _value);
    }

    private async Task GetAsync(IBlobStore store, int operations)
    {
        long found = 0;
        for (int i = 0; i < operations; i++) found += (await store.GetBytesAsync(_keys[i % Keys]))?.Length ?? 0;
        Sink.Expect(found, (long)operations * ValueLength);
    }

    private static void AddRows(Contest contest, string metric, Lane ours, Lane peer)
    {
        contest.Lower($"{metric}, time", "µs", Series.Microseconds(ours), Series.Microseconds(peer));
        contest.Lower($"{metric}, allocated", "B", Series.AllocatedBytes(ours), Series.AllocatedBytes(peer));
    }

    private static ValueTask<DiskBlobStore> OpenAsync(string path, DiskDurability durability) =>
        DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = path, Durability = durability });
}
