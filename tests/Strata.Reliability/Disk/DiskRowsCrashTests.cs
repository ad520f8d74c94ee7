using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Strata.Testing;
using Strata.Tests;

namespace Strata.Reliability;

/// <summary>
/// A blob and the row that commits with it are both there or neither is, wherever the process, the power or a call of the disk
/// ends (CONSISTENCY 2): several writers change blobs in every way, and take rows away again by their stamps.
/// </summary>
public sealed class DiskRowsCrashTests(ITestOutputHelper output) : IDisposable
{
    private const int Writers = 3, Keys = 4, Operations = 30;
    private readonly TemporaryFolder _folder = new();
    private int _openings;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_kill_or_a_power_cut_at_any_call_leaves_blob_and_row_of_the_same_commit()
    {
        int seed = TestSeed.Next(), calls = await CountAsync(), stops = LongForm.Of(400, 60), stopped = 0;
        var random = new Random(seed);
        for (int i = 0; i < stops; i++)
        {
            var disk = new SimulatedDisk(seed + i);
            disk.StopAt(i < 20 ? i + 1 : random.Next(1, calls));
            DiskDurability durability = i % 3 == 2 ? DiskDurability.OperatingSystem : DiskDurability.Flush;
            var history = new History(seed + i);
            await RunAsync(disk, history, durability);
            if (disk.IsStopped) stopped++;
            await CheckAsync(disk.Kill(), history, isAcknowledgedThere: true, $"stop {i}, killed, seed {seed}");
            await CheckAsync(disk.CutPower(random), history, isAcknowledgedThere: durability == DiskDurability.Flush, $"stop {i}, without power, seed {seed}");
        }

        output.WriteLine($"{stopped} stops in about {calls} calls.");
        Assert.True(stopped > stops / 2, $"Only {stopped} of {stops} runs were stopped.");
    }

    [Theory]
    [InlineData(DiskFault.Fail)]
    [InlineData(DiskFault.Full)]
    [InlineData(DiskFault.ShortWrite)]
    [InlineData(DiskFault.SyncFails)]
    [InlineData(DiskFault.SyncLosesPages)]
    [InlineData(DiskFault.FailAfterwards)]
    public async Task What_a_failing_disk_refuses_has_left_neither_blob_nor_row(object fault)
    {
        int seed = TestSeed.Next(), calls = await CountAsync(), refused = 0, runs = LongForm.Of(60, 10);
        var random = new Random(seed);
        for (int i = 0; i < runs; i++)
        {
            int first = random.Next(4, calls), last = first + random.Next(6);
            var disk = new SimulatedDisk(seed + i);
            disk.Faults = call => call.Change >= first && call.Change <= last && Fits((DiskFault)fault, call) ? (DiskFault)fault : DiskFault.None;
            var history = new History(seed + i);
            await RunAsync(disk, history, DiskDurability.Flush);
            disk.Faults = null;
            refused += history.Refused;
            await CheckAsync(disk.Kill(), history, isAcknowledgedThere: true, $"{fault} of the calls {first} to {last}, then killed, seed {seed}");
            await CheckAsync(disk.CutPower(random), history, isAcknowledgedThere: true, $"{fault} of the calls {first} to {last}, then without power, seed {seed}");
        }

        output.WriteLine($"{refused} operations refused in {runs} runs.");
    }

    [Fact]
    public async Task A_full_disk_takes_deletes_with_their_rows()
    {
        var disk = new SimulatedDisk(1);
        await using DiskBlobStore store = await OpenAsync(disk, DiskDurability.Flush, StoreContext.Default);
        store.Record(change => [KvMutation.Set(Encoding.UTF8.GetBytes($"row/{change.Key}"), KvValue.OfBytes(new byte[] { change.Info is null ? (byte)0 : (byte)1 }))]);
        int count = 0;
        disk.Capacity = 4 << 20;
        await Assert.ThrowsAsync<StorageException>(async () =>
        {
            for (; ; count++) await store.PutBytesAsync(BlobKey.Parse($"k{count}"), new byte[50_000]);
        });
        Assert.True(count > 5, $"{count} blobs fitted.");
        for (int i = 0; i < count; i++) Assert.Equal(DeleteStatus.Deleted, (await store.DeleteAsync(BlobKey.Parse($"k{i}"))).Status);
        IReadOnlyList<KvRange> rows = await store.Rows.SnapshotReadAsync([new ReadRange(Encoding.UTF8.GetBytes("row/"), Encoding.UTF8.GetBytes("row0"), 1_000)], null, CancellationToken.None);
        Assert.All(rows[0].Entries, e => Assert.Equal(0, e.Value.Data.Span[0]));
        Assert.True((await store.PutBytesAsync(BlobKey.Parse("again"), new byte[50_000])).IsWritten);
    }

    private static bool Fits(DiskFault fault, DiskCall call) => fault switch
    {
        DiskFault.ShortWrite => call.Operation == DiskOperation.Write,
        DiskFault.SyncFails or DiskFault.SyncLosesPages => call.Operation == DiskOperation.Sync,
        DiskFault.Full => call.Operation is DiskOperation.Create or DiskOperation.Allocate or DiskOperation.Write,
        _ => true,
    };

    private async Task<int> CountAsync()
    {
        var disk = new SimulatedDisk();
        await RunAsync(disk, new History(0), DiskDurability.Flush);
        return disk.Changes;
    }

    /// <summary>Two lives of a store, the second of which opens what the first left.</summary>
    private async Task RunAsync(SimulatedDisk disk, History history, DiskDurability durability)
    {
        try
        {
            for (int life = 0; life < 2; life++)
            {
                DiskBlobStore store = await OpenAsync(disk, durability, StoreContext.Default);
                try
                {
                    store.Record(history.Record);
                    if (life > 0) await history.SettleAsync(store);
                    await Task.WhenAll(Enumerable.Range(0, Writers).Select(w => Task.Run(() => history.WriteAsync(store, w, life))));
                }
                finally
                {
                    await store.DisposeAsync();
                }
            }
        }
        catch (Exception e) when (e is SimulatedCrashException or StorageException)
        {
            // Here the process ends.
        }
    }

    private async Task CheckAsync(SimulatedDisk disk, History history, bool isAcknowledgedThere, string context)
    {
        DiskBlobStore store = await OpenAsync(disk, DiskDurability.Flush, StoreContext.Default);
        await using (store)
        {
            await history.CheckAsync(store, isAcknowledgedThere, context);
            Assert.True((await LogVerificationOf(store)) > 0);
        }
    }

    /// <summary>What was found counts right: the books of the rows are those of a look at all of them.</summary>
    private static async Task<long> LogVerificationOf(DiskBlobStore store)
    {
        IReadOnlyList<KvRange> all = await store.Rows.SnapshotReadAsync([new ReadRange(new byte[] { 0 }, new byte[] { 255 }, 1_000)], null, CancellationToken.None);
        Assert.Equal(all[0].Entries.Count, ((IKvStatistics)store.Rows).GetStatistics().Entries);
        return 1;
    }

    private async Task<DiskBlobStore> OpenAsync(SimulatedDisk disk, DiskDurability durability, StoreContext context) => await DiskBlobStore.OpenAsync(
        new DiskBlobStoreOptions { Path = Path.Combine(_folder.Path, $"{_openings++}"), Disk = disk, Durability = durability, SegmentBytes = LogOptions.MinSegmentBytes, CompactionBytesPerSecond = null }, context);

    /// <summary>What was done, each key by one writer: the states that its blob and its row have had together.</summary>
    private sealed class History(int seed)
    {
        private readonly ConcurrentDictionary<string, List<(string Blob, string Row)>> _states = new();
        private readonly ConcurrentDictionary<string, int> _acknowledged = new();
        private readonly ConcurrentDictionary<string, string> _recorded = new();
        private int _refused;

        public int Refused => _refused;

        public IReadOnlyList<KvMutation> Record(BlobChange change)
        {
            string state = change.Info is null ? $"-{change.Version.Value}" : $"{change.Version.Value}";
            _recorded[change.Key.ToString()] = state;
            return [KvMutation.Set(Key(change.Key.ToString()), KvValue.OfBytes(Encoding.UTF8.GetBytes(state)))];
        }

        public async Task WriteAsync(DiskBlobStore store, int writer, int life)
        {
            var random = new Random((seed * 31) + (writer * 7) + life);
            for (int i = 0; i < Operations; i++)
            {
                string name = $"w{writer}/{random.Next(Keys)}";
                List<(string Blob, string Row)> states = _states.GetOrAdd(name, _ => [("", "")]);
                (string blob, string row) = states[^1];
                _recorded.TryRemove(name, out _);
                try
                {
                    bool isRemoval = random.Next(5) == 0;
                    if (isRemoval) states.Add((blob, ""));
                    bool isDone = isRemoval ? await RemoveRowAsync(store, name) : await ChangeAsync(store, BlobKey.Parse(name), random);
                    if (!isRemoval && isDone) states.Add(StateOf(name, blob, row));
                    _acknowledged[name] = states.Count - 1;
                }
                catch (StorageException e) when (e.Outcome == WriteOutcome.NotApplied && e.InnerException is not SimulatedCrashException)
                {
                    Interlocked.Increment(ref _refused);
                    if (states.Count - 1 > _acknowledged.GetValueOrDefault(name)) states.RemoveAt(states.Count - 1);
                    if (e.Kind == StorageErrorKind.Unavailable && e.Message.Contains("until it is opened again", StringComparison.Ordinal)) return;
                }
                catch (Exception e) when (e is StorageException or SimulatedCrashException)
                {
                    if (_recorded.ContainsKey(name)) states.Add(StateOf(name, blob, row));
                    if (e is SimulatedCrashException) throw;
                    return;
                }
            }
        }

        /// <summary>A new life begins: of what an error left unknown, what is there now is what happened.</summary>
        public async Task SettleAsync(DiskBlobStore store)
        {
            foreach ((string name, List<(string Blob, string Row)> states) in _states)
            {
                (string Blob, string Row) found = await CheckAsync(store, name, _acknowledged.GetValueOrDefault(name), "the second life");
                states.Add(found);
                _acknowledged[name] = states.Count - 1;
            }
        }

        public async Task CheckAsync(DiskBlobStore store, bool isAcknowledgedThere, string context)
        {
            foreach (string name in _states.Keys)
            {
                (string blob, _) = await CheckAsync(store, name, isAcknowledgedThere ? _acknowledged.GetValueOrDefault(name) : 0, context);
                if (blob.Length > 0) Assert.NotNull(await store.GetBytesAsync(BlobKey.Parse(name)));
            }
        }

        private async Task<(string Blob, string Row)> CheckAsync(DiskBlobStore store, string name, int from, string context)
        {
            BlobInfo? info = await store.StatAsync(BlobKey.Parse(name));
            IReadOnlyList<KvRange> rows = await store.Rows.SnapshotReadAsync([ReadRange.Of(Key(name))], null, CancellationToken.None);
            string row = rows[0].Entries.Count == 0 ? "" : Encoding.UTF8.GetString(rows[0].Entries[0].Value.Data.Span);
            (string, string) found = (info?.Version.Value.ToString(CultureInfo.InvariantCulture) ?? "", row);
            List<(string Blob, string Row)> states = _states[name];
            Assert.True(states.Skip(from).Contains(found), $"{context}: '{name}' has the blob and the row {found}, which it never had together; it had {string.Join(", ", states)}, acknowledged up to {from}");
            return found;
        }

        private (string Blob, string Row) StateOf(string name, string blob, string row) => _recorded.TryGetValue(name, out string? state) ? (state[0] == '-' ? "" : state, state) : (blob, row);

        private static async Task<bool> ChangeAsync(DiskBlobStore store, BlobKey key, Random random)
        {
            switch (random.Next(8))
            {
                case 0:
                    return (await store.DeleteAsync(key)).Status == DeleteStatus.Deleted;
                case 1:
                    DeleteManyResult many = await store.DeleteManyAsync([key]);
                    return many.Outcomes[0].Error is { } error ? throw error : many.Outcomes[0].Status == DeleteStatus.Deleted;
                case 2:
                    return (await store.UpdateAsync(key, new BlobChanges { ContentType = $"a/{random.Next()}" })).IsWritten;
                case 3:
                    return (await store.CopyAsync(key, key)).IsWritten;
                case 4:
                    IBlobWriter writer = await store.OpenWriterAsync(key);
                    await using (writer)
                    {
                        await writer.WriteAsync(new byte[random.Next(20_000)], CancellationToken.None);
                        return (await writer.CommitAsync(null, CancellationToken.None)).IsWritten;
                    }

                default:
                    return (await store.PutBytesAsync(key, new byte[random.Next(3) == 0 ? 20_000 : 200])).IsWritten;
            }
        }

        /// <summary>What an outbox does once it has sent.</summary>
        private static async Task<bool> RemoveRowAsync(DiskBlobStore store, string name)
        {
            IReadOnlyList<KvRange> found = await store.Rows.SnapshotReadAsync([ReadRange.Of(Key(name))], null, CancellationToken.None);
            if (found[0].Entries.Count == 0) return false;
            KvEntry row = found[0].Entries[0];
            CommitResult result = await store.Rows.AtomicWriteAsync(new AtomicWrite { Checks = [new KvCheck(row.Key, row.Versionstamp)], Mutations = [KvMutation.Delete(row.Key)] }, CancellationToken.None);
            Assert.True(result.IsCommitted, "A row that nobody else changes was changed.");
            return true;
        }

        private static byte[] Key(string name) => Encoding.UTF8.GetBytes($"row/{name}");
    }
}
