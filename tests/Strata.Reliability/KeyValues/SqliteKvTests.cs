using Strata.Sqlite;
using Strata.Workload;

namespace Strata.Reliability;

/// <summary>A KV database in SQLite whose processes are killed, with the clock set back at each start, whose file two processes share, whose disk fills up or fails.</summary>
public sealed class SqliteKvTests(ITestOutputHelper output) : IDisposable
{
    private static readonly int Kills = LongForm.Of(1_000, 50);
    private readonly TemporaryFolder _folder = new();
    private readonly KvWriterHistory _history = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task No_kill_loses_an_acknowledged_commit_leaves_half_of_one_or_makes_stamps_fall()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (int kill = 0; kill < Kills; kill++)
        {
            string context = $"seed {seed}, kill {kill}";
            WorkloadSettings settings = Settings(process: 1) with
            {
                KeysPerWriter = 100, Durability = random.Next(2) == 0 ? DiskDurability.Flush : DiskDurability.OperatingSystem, Time = TimeSpan.FromHours(kill),
            };
            using WorkloadProcess process = WorkloadProcess.Start(settings);
            if (random.Next(5) == 0) await Task.Delay(random.Next(300));
            else await process.HasCommittedAsync(TimeSpan.FromMilliseconds(random.Next(60)));
            await process.KillAsync();
            Assert.DoesNotContain(process.Printed, l => l.StartsWith("refused", StringComparison.Ordinal) || l.StartsWith("wrong", StringComparison.Ordinal));
            await CheckAsync(settings, [process], context);
        }

        output.WriteLine($"{Kills} kills, each start an hour earlier by its clock; {_history.Acknowledged} commits of 101 mutations acknowledged, none lost");
        Assert.True(_history.Acknowledged > Kills, $"{_history.Acknowledged} commits in {Kills} lives are no test");
    }

    [Fact]
    public async Task Two_processes_and_a_third_that_watches_share_one_file()
    {
        await using SqliteKvDatabase database = await SqliteKvDatabase.OpenAsync(Settings(process: 1).Sqlite);
        using var stop = new CancellationTokenSource();
        Task<(int Updates, Versionstamp Last)> watching = WatchAsync(database, stop.Token);
        WorkloadSettings one = Settings(process: 1) with { Steps = 150 }, two = Settings(process: 2) with { Steps = 150 };
        using WorkloadProcess first = WorkloadProcess.Start(one), second = WorkloadProcess.Start(two);
        Assert.True(await first.ExitCodeAsync() == WriteCommand.Well, first.Text);
        Assert.True(await second.ExitCodeAsync() == WriteCommand.Well, second.Text);
        Assert.DoesNotContain(first.Printed.Concat(second.Printed), l => l.StartsWith("refused", StringComparison.Ordinal));
        _history.Add(first.Printed.Concat(second.Printed), "two processes");
        await _history.CheckAsync(database, one, "two processes");
        Assert.Equal(2 * one.Writers * 150, _history.Acknowledged);
        KvEntry total = (await database.SnapshotReadAsync([ReadRange.Of("total"u8.ToArray())], null, CancellationToken.None))[0].Entries[0];
        await Eventually.HoldsAsync(() => Volatile.Read(ref _seen) == total.Versionstamp.Counter, "the watch does not see what another process wrote last");
        await stop.CancelAsync();
        (int updates, Versionstamp last) = await watching;
        Assert.Equal(total.Versionstamp, last);
        output.WriteLine($"{_history.Acknowledged} commits by two processes; the watch in a third told {updates} states");
        Assert.True(updates > 2, "the watch saw nothing but the first state and the last");
    }

    [Fact]
    public async Task A_full_disk_refuses_writes_loses_nothing_and_takes_them_when_there_is_room()
    {
        using var disk = new SmallDisk();
        string path = Path.Combine(disk.Path, "kv.db"), ballast = Path.Combine(disk.Path, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[300_000]);
        await using SqliteKvDatabase database = await SqliteKvDatabase.OpenAsync(new SqliteKvDatabaseOptions { Path = path });
        List<byte[]> written = [];
        StorageException? full = null;
        Versionstamp last = default;
        for (int i = 0; full is null; i++)
        {
            Assert.True(i < 1_000, "a disk of 1 MiB took more than 10 MiB");
            byte[] key = BitConverter.GetBytes(i);
            try
            {
                last = await SetAsync(database, key, 10_000);
                written.Add(key);
            }
            catch (StorageException e)
            {
                full = e;
            }
        }

        Assert.Equal((StorageErrorKind.Full, WriteOutcome.NotApplied, true), (full.Kind, full.Outcome, full.IsTransient));
        Assert.NotEmpty(written);
        await HoldsAsync(database, written);

        // As a crash at this moment leaves it: what was refused must not come back.
        using (var copy = new TemporaryFolder())
        {
            string copied = Path.Combine(copy.Path, "kv.db");
            File.Copy(path, copied);
            File.Copy(path + "-wal", copied + "-wal");
            await using SqliteKvDatabase after = await SqliteKvDatabase.OpenAsync(new SqliteKvDatabaseOptions { Path = copied });
            await HoldsAsync(after, written);
        }

        File.Delete(ballast);
        byte[] more = BitConverter.GetBytes(5_000);
        Assert.True(await SetAsync(database, more, 10_000) > last);
        await HoldsAsync(database, [.. written, more]);
    }

    [Theory]
    [InlineData("fdatasync", InjectedFault.Error)]
    [InlineData("pwrite64", InjectedFault.Error)]
    [InlineData("pwrite64", InjectedFault.Full)]
    [InlineData("pwrite64", InjectedFault.Kill)]
    [InlineData("fdatasync", InjectedFault.Kill)]
    public async Task A_call_that_goes_wrong_leaves_old_or_new_and_writes_resume(string call, string effect)
    {
        int seed = Random.Shared.Next(), hit = 0, unknown = 0, tries = LongForm.Of(30, 3);
        var random = new Random(seed);
        for (int i = 0; i < tries; i++)
        {
            var fault = new InjectedFault(call, effect, 1 + random.Next(call == "pwrite64" ? 120 : 20));
            string context = $"seed {seed}, {fault}";
            WorkloadSettings settings = Settings(process: 1) with { Writers = 1, Steps = 30, KeysPerWriter = 20 };
            using WorkloadProcess process = WorkloadProcess.Start(settings, fault.Tracer(Path.Combine(_folder.Path, "trace")));
            int code = await process.ExitCodeAsync();
            string[] refused = [.. process.Printed.Where(l => l.StartsWith("refused", StringComparison.Ordinal))];
            if (!fault.Kills) Assert.True(code is WriteCommand.Well or WriteCommand.NotOpened, $"exit code {code}; {context}: {process.Text}");
            Assert.True(refused.Length <= 1, $"one call went wrong, and {refused.Length} commits were refused; {context}: {process.Text}");
            if (refused.Length > 0 || code != WriteCommand.Well) hit++;
            unknown += refused.Count(l => l.Contains(nameof(WriteOutcome.Unknown), StringComparison.Ordinal));
            await CheckAsync(settings, [process], context);
        }

        output.WriteLine($"seed {seed}: {hit} of {tries} faults were felt, {unknown} outcomes unknown");
        Assert.Equal(0, unknown);
    }

    private ulong _seen;

    private WorkloadSettings Settings(int process) => new() { Command = WorkloadCommand.Kv, Files = KvFiles.Sqlite, Folder = _folder.Path, Seed = process, Writers = 4, KeysPerWriter = 10 };

    private async Task CheckAsync(WorkloadSettings settings, WorkloadProcess[] processes, string context)
    {
        _history.Add(processes.SelectMany(p => p.Printed), context);
        await using SqliteKvDatabase database = await SqliteKvDatabase.OpenAsync(settings.Sqlite);
        await _history.CheckAsync(database, settings, context);
    }

    private async Task<(int Updates, Versionstamp Last)> WatchAsync(SqliteKvDatabase database, CancellationToken stop)
    {
        int updates = 0;
        Versionstamp last = default;
        try
        {
            await foreach (WatchUpdate update in database.WatchAsync(["total"u8.ToArray()], stop))
            {
                updates++;
                Versionstamp now = update.Entries[0]?.Versionstamp ?? default;
                Assert.True(now > last || updates == 1, $"{now} was told after {last}");
                last = now;
                Volatile.Write(ref _seen, now.Counter);
            }
        }
        catch (OperationCanceledException)
        {
            // It has seen enough.
        }

        return (updates, last);
    }

    private static async Task<Versionstamp> SetAsync(SqliteKvDatabase database, byte[] key, int length) =>
        (await database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(key, KvValue.OfBytes(new byte[length]))] }, CancellationToken.None)).Versionstamp;

    private static async Task HoldsAsync(SqliteKvDatabase database, IReadOnlyList<byte[]> keys)
    {
        IReadOnlyList<KvRange> all = await database.SnapshotReadAsync([new ReadRange(ReadOnlyMemory<byte>.Empty, new byte[] { 0xFF, 0xFF }, 1_000)], null, CancellationToken.None);
        Assert.Equal(keys.Select(Convert.ToHexString).Order(StringComparer.Ordinal), all[0].Entries.Select(e => Convert.ToHexString(e.Key.Span)));
        Assert.All(all[0].Entries, e => Assert.Equal(10_000, e.Value.Data.Length));
    }
}
