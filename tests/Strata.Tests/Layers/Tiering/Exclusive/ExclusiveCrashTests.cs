using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>
/// The process or the power ends at each call that a change or a move makes of any of the disks: warm, cold and index, which has one of its own
/// or is in the log of a home. What was acknowledged is there, no blob is in two tiers and no bytes are left, once the journal is worked off.
/// </summary>
public sealed class ExclusiveCrashTests : IDisposable
{
    private static readonly BlobKey Key = BlobKey.Parse("a/key"), Other = BlobKey.Parse("other");
    private readonly TempFolder _folder = new();
    private int _openings;

    public static TheoryData<string, string> Changes
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string change in (string[])["put", "overwrite", "overwrite elsewhere", "stream", "stream elsewhere", "update", "delete", "move down", "move up", "upload", "small upload"]) data.Add(change, "apart");
            foreach (string change in (string[])["put", "overwrite", "overwrite elsewhere", "update", "delete", "move down", "move up"]) data.Add(change, "warm");
            foreach (string change in (string[])["overwrite elsewhere", "stream", "stream elsewhere", "upload", "small upload"]) data.Add(change, "cold");
            return data;
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_stop_at_any_call_loses_nothing_acknowledged_and_leaves_nothing_behind(string change, string index)
    {
        var random = new Random(TestSeed.Next());
        SimulatedDisk[] before = await PrepareAsync(change, index);
        for (int stop = 1; ; stop++)
        {
            SimulatedDisk[] disks = [.. before.Select(disk => disk.Kill())];
            (bool isAcknowledged, string? old, string? @new) = await RunAsync(disks, change, index, stop);
            bool isStopped = disks[0].IsStopped;

            // Both ends of each stop take long over three disks: the short form has one of them, by the seed.
            bool[] ends = index == "apart" && LongForm.Of(0, 1) == 1 ? [random.Next(2) == 0] : [false, true];
            foreach (bool isPowerCut in ends)
                await CheckAsync([.. disks.Select(disk => isPowerCut ? disk.CutPower(random) : disk.Kill())], index, isAcknowledged ? [@new] : [old, @new], $"{change}, index {index}, stopped at call {stop}, {(isPowerCut ? "without power" : "killed")}");
            if (isStopped) continue;
            Assert.True(stop > (index == "apart" ? 5 : 2), $"Only {stop} calls were made.");
            return;
        }
    }

    /// <summary>The disks of a store with a blob in the tier where the change finds it.</summary>
    private async Task<SimulatedDisk[]> PrepareAsync(string change, string index)
    {
        SimulatedDisk[] disks = [new SimulatedDisk(1), new SimulatedDisk(2), new SimulatedDisk(3)];
        await using House house = await OpenAsync(disks, index);
        await house.Store.PutBytesAsync(Other, new byte[10]);
        if (change != "put") await house.Store.PutBytesAsync(Key, new byte[50], new WriteOptions { Tier = change is "move up" or "stream" ? "cold" : "warm" });
        return disks;
    }

    private async Task<(bool IsAcknowledged, string? Old, string? New)> RunAsync(SimulatedDisk[] disks, string change, string index, int stop)
    {
        string? old = null;
        string? made = change switch { "put" or "overwrite" => "60", "overwrite elsewhere" => "600", "stream" or "stream elsewhere" or "upload" => "400000", "small upload" => "60", "update" => "50 text/new", "delete" => null, _ => "50" };
        try
        {
            await using House house = await OpenAsync(disks, index);
            old = await StateAsync(house.Store, Key);
            int calls = 0;
            foreach (SimulatedDisk disk in disks)
            {
                disk.Faults = call =>
                {
                    if (call.Change == 0 || Interlocked.Increment(ref calls) != stop) return DiskFault.None;
                    foreach (SimulatedDisk every in disks) every.Stop();
                    return DiskFault.Stop;
                };
            }

            await ChangeAsync(house.Store, change);
            return (true, old, made);
        }
        catch (Exception e) when (e is SimulatedCrashException or StorageException)
        {
            return (false, old, made);
        }
        finally
        {
            foreach (SimulatedDisk disk in disks) disk.Faults = null;
        }
    }

    private static async Task ChangeAsync(ExclusiveBlobStore store, string change)
    {
        switch (change)
        {
            case "put":
            case "overwrite":
                await store.PutBytesAsync(Key, new byte[60]);
                break;
            case "overwrite elsewhere":
                await store.PutBytesAsync(Key, new byte[600]);
                break;
            case "stream":
            case "stream elsewhere":
                await store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(new byte[400_000])));
                break;
            case "upload":
                await UploadAsync(store, 200_000, 200_000);
                break;
            case "small upload":
                await UploadAsync(store, 20, 40);
                break;
            case "update":
                await store.UpdateAsync(Key, new BlobChanges { ContentType = "text/new" });
                break;
            case "delete":
                await store.DeleteAsync(Key);
                break;
            default:
                Assert.Equal(MoveStatus.Moved, await store.MoveAsync(Key, change == "move up" ? "warm" : "cold", false, CancellationToken.None));
                break;
        }
    }

    private static async Task UploadAsync(ExclusiveBlobStore store, params int[] lengths)
    {
        Assert.True(store.TryGetFacet(out IMultipartUploads? uploads));
        MultipartUpload upload = await uploads.CreateAsync(Key);
        var parts = new List<PartReference>();
        foreach (int length in lengths)
        {
            await using IBlobWriter? writer = await uploads.OpenPartAsync(Key, upload.Id, parts.Count + 1);
            await writer!.WriteAsync(new byte[length], CancellationToken.None);
            parts.Add(new PartReference(parts.Count + 1, (await writer.CommitAsync(null, CancellationToken.None)).Info!.ETag));
        }

        Assert.Equal(CompleteStatus.Completed, (await uploads.CompleteAsync(Key, upload.Id, parts)).Status);
    }

    private async Task CheckAsync(SimulatedDisk[] disks, string index, string?[] allowed, string context)
    {
        string? found;
        await using (House house = await OpenAsync(disks, index))
        {
            found = await StateAsync(house.Store, Key);
            Assert.True(allowed.Contains(found), $"{context}: the blob is '{found ?? "missing"}', and should be {string.Join(" or ", allowed.Select(a => $"'{a ?? "missing"}'"))}.");
            Assert.Equal("10", await StateAsync(house.Store, Other));
            await house.Store.SettleNowAsync();
            await Eventually.HoldsAsync(() => house.Store.Pending == 0, $"{context}: the journal is not worked off.");
            string? settled = await StateAsync(house.Store, Key);
            Assert.True(allowed.Contains(settled), $"{context}: the blob was '{found ?? "missing"}' and is '{settled ?? "missing"}'.");
            await house.CheckAsync(context);
        }

        await using House again = await OpenAsync(disks, index);
        Assert.True(again.Store.Pending == 0, $"{context}: the journal has rows again.");
        await again.CheckAsync(context);
        Assert.True((await again.Store.PutBytesAsync(Key, new byte[70])).IsWritten);
        Assert.Equal("70", await StateAsync(again.Store, Key));
    }

    /// <summary>Length and type of the blob as it is read; null: it is missing.</summary>
    private static async Task<string?> StateAsync(ExclusiveBlobStore store, BlobKey key)
    {
        await using BlobReadResult? read = await store.ReadAsync(key);
        if (read is null) return null;
        Assert.Equal(read.Info.Length, (await read.ToArrayAsync()).Length);
        Assert.Equal(read.Info.ETag, (await store.StatAsync(key))!.ETag);
        return $"{read.Info.Length} {read.Info.ContentType}".TrimEnd();
    }

    private async Task<House> OpenAsync(SimulatedDisk[] disks, string placement)
    {
        var opened = new List<IAsyncDisposable>();
        try
        {
            Tier warm = new() { Name = "warm", Store = await StoreAsync("warm", disks[0], opened), MaxBlobBytes = 100 }, cold = new() { Name = "cold", Store = await StoreAsync("cold", disks[1], opened) };
            if (placement != "apart") return new House(await ExclusiveBlobStore.OpenAsync([warm, cold], ((DiskBlobStore)(placement == "warm" ? warm : cold).Store).Rows, ownsIndex: false), warm, cold);
            DiskKvDatabase index = await DiskKvDatabase.OpenAsync(new DiskKvDatabaseOptions { Name = "index", Path = _folder.Sub($"{_openings++}"), Disk = disks[2], SegmentBytes = LogOptions.MinSegmentBytes });
            opened.Add(index);
            return new House(await ExclusiveBlobStore.OpenAsync([warm, cold], index, ownsIndex: true), warm, cold);
        }
        catch
        {
            foreach (IAsyncDisposable some in opened) await some.DisposeAsync();
            throw;
        }
    }

    private async Task<DiskBlobStore> StoreAsync(string name, SimulatedDisk disk, List<IAsyncDisposable> opened)
    {
        DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Name = name, Path = _folder.Sub($"{_openings++}"), Disk = disk, SegmentBytes = LogOptions.MinSegmentBytes, CompactionBytesPerSecond = null });
        opened.Add(store);
        return store;
    }

    private sealed record House(ExclusiveBlobStore Store, Tier Warm, Tier Cold) : IAsyncDisposable
    {
        /// <summary>Each blob is in its home, and nothing is in a tier that does not live there.</summary>
        public async Task CheckAsync(string context)
        {
            var homes = (await Store.ListPageAsync(new ListRequest())).Items.Select(info => (info.Key.Value, info.Tier)).ToHashSet();
            var held = new List<(string, string?)>();
            foreach (Tier tier in (Tier[])[Warm, Cold]) held.AddRange((await tier.Store.ListPageAsync(new ListRequest())).Items.Select(info => (info.Key.Value, (string?)tier.Name)));
            Assert.True(homes.SetEquals(held) && held.Count == homes.Count, $"{context}: the index says {string.Join(' ', homes)}, the tiers hold {string.Join(' ', held)}.");
        }

        public ValueTask DisposeAsync() => Store.DisposeAsync();
    }
}
