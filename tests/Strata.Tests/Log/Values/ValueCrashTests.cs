using Xunit;

namespace Strata.Tests;

/// <summary>
/// The process or the power ends between any two steps, or any call fails: what the log refers to is whole. The log is a
/// table here, whose commits are durable at once, or, with an interval, when it says so.
/// </summary>
public sealed class ValueCrashTests
{
    private static readonly PowerCut[] Cuts = [PowerCut.LosesAll, PowerCut.AnySubset];

    [Fact]
    public async Task What_was_committed_is_whole_wherever_the_process_or_the_power_ends()
    {
        int calls = await CallsAsync(DiskDurability.Flush);
        for (int stop = 1; stop <= calls + 1; stop++)
        {
            (SimulatedDisk disk, Table table) = await RunAsync(DiskDurability.Flush, Stop(stop));
            await CheckAsync(disk.Kill(), table.Committed, $"killed before call {stop}");
            foreach (PowerCut cut in Cuts) await CheckAsync(disk.CutPower(new Random(stop), cut), table.Committed, $"power cut ({cut}) before call {stop}");
        }
    }

    [Fact]
    public async Task Without_a_sync_a_power_cut_loses_bytes_and_the_checksums_say_so()
    {
        int lost = 0;
        int calls = await CallsAsync(DiskDurability.OperatingSystem);
        for (int stop = 1; stop <= calls + 1; stop++)
        {
            (SimulatedDisk disk, Table table) = await RunAsync(DiskDurability.OperatingSystem, Stop(stop));
            await CheckAsync(disk.Kill(), table.Committed, $"killed before call {stop}");
            foreach (PowerCut cut in Cuts) lost += await CountLostAsync(disk.CutPower(new Random(stop), cut), table.Committed);
        }

        Assert.True(lost > 0, "if nothing is lost without a sync, the test above proves nothing");
    }

    [Fact]
    public async Task With_an_interval_whatever_the_log_has_synced_is_whole()
    {
        int calls = await CallsAsync(DiskDurability.Interval);
        for (int stop = 1; stop <= calls + 1; stop++)
        {
            (SimulatedDisk disk, Table table) = await RunAsync(DiskDurability.Interval, Stop(stop));
            foreach (PowerCut cut in Cuts) await CheckAsync(disk.CutPower(new Random(stop), cut), table.Durable, $"power cut ({cut}) before call {stop}");
        }
    }

    [Fact]
    public async Task With_an_interval_a_file_that_is_recycled_at_once_is_missed_after_a_power_cut()
    {
        int lost = 0;
        int calls = await CallsAsync(DiskDurability.Interval, retiresAtOnce: true);
        for (int stop = 1; stop <= calls + 1; stop++)
        {
            (SimulatedDisk disk, Table table) = await RunAsync(DiskDurability.Interval, Stop(stop), retiresAtOnce: true);
            foreach (PowerCut cut in Cuts) lost += await CountLostAsync(disk.CutPower(new Random(stop), cut), table.Durable);
        }

        Assert.True(lost > 0, "why files wait until the commit that dropped them is durable");
    }

    [Theory]
    [InlineData(DiskFault.Fail)]
    [InlineData(DiskFault.Full)]
    [InlineData(DiskFault.ShortWrite)]
    [InlineData(DiskFault.SyncFails)]
    [InlineData(DiskFault.SyncLosesPages)]
    public async Task A_call_that_fails_harms_no_other_value_and_none_later(object fault)
    {
        int calls = await CallsAsync(DiskDurability.Flush);
        for (int failing = 1; failing <= calls; failing++)
        {
            int at = failing;
            var disk = new SimulatedDisk { Faults = call => call.Number == at ? (DiskFault)fault : DiskFault.None };
            var table = new Table();
            ValueFiles files;
            try
            {
                files = ValueFilesFixture.Open(disk);
            }
            catch (IOException)
            {
                continue;
            }

            await using (files)
            {
                table.Run(files, DiskDurability.Flush, retiresAtOnce: true, goesOn: true);
                disk.Faults = null;
                table.Put(files, "last", 70_000, 99, goesOn: false);
                foreach ((string key, (ValuePiece piece, byte[] bytes)) in table.Committed)
                    Assert.True(bytes.AsSpan().SequenceEqual(files.Read(piece)), $"'{key}' is damaged after call {at} has failed");
            }

            await CheckAsync(disk.CutPower(new Random(at), PowerCut.LosesAll), table.Committed, $"call {at} failed ({fault}), then the power");
        }
    }

    private static Func<DiskCall, DiskFault> Stop(int call) => c => c.Number == call ? DiskFault.Stop : DiskFault.None;

    private static async Task<int> CallsAsync(DiskDurability durability, bool retiresAtOnce = false) => (await RunAsync(durability, _ => DiskFault.None, retiresAtOnce)).Disk.Calls;

    private static async Task<(SimulatedDisk Disk, Table Table)> RunAsync(DiskDurability durability, Func<DiskCall, DiskFault> faults, bool? retiresAtOnce = null)
    {
        var disk = new SimulatedDisk { Faults = faults };
        var table = new Table();
        try
        {
            ValueFiles files = ValueFilesFixture.Open(disk, durability: durability);
            table.Run(files, durability, retiresAtOnce ?? durability != DiskDurability.Interval, goesOn: false);
            await files.DisposeAsync();
        }
        catch (SimulatedCrashException)
        {
            // Here the process ends.
        }

        return (disk, table);
    }

    private static async Task CheckAsync(SimulatedDisk disk, Dictionary<string, (ValuePiece Piece, byte[] Bytes)> committed, string how)
    {
        await using ValueFiles files = ValueFilesFixture.Open(disk, committed.Values.Select(v => v.Piece.Record()));
        foreach ((string key, (ValuePiece piece, byte[] bytes)) in committed)
        {
            try
            {
                Assert.True(bytes.AsSpan().SequenceEqual(files.Read(piece)), $"'{key}' has other bytes: {how}");
            }
            catch (StorageException e)
            {
                Assert.Fail($"'{key}' is lost: {how}. {e.Message}");
            }
        }

        ValuePiece next = files.Put(ValueFilesFixture.Bytes(50_000, 77));
        Assert.Equal(ValueFilesFixture.Bytes(50_000, 77), files.Read(next));
        Assert.True(disk.Names.Count == committed.Count + 1 + files.GetStatistics().Spares, $"files are left that nothing refers to: {how}: {string.Join(' ', disk.Names)}");
    }

    private static async Task<int> CountLostAsync(SimulatedDisk disk, Dictionary<string, (ValuePiece Piece, byte[] Bytes)> committed)
    {
        int lost = 0;
        await using ValueFiles files = ValueFilesFixture.Open(disk, committed.Values.Select(v => v.Piece.Record()));
        foreach ((string key, (ValuePiece piece, byte[] bytes)) in committed)
        {
            try
            {
                Assert.True(bytes.AsSpan().SequenceEqual(files.Read(piece)), $"'{key}' has other bytes, and the checksums did not say so");
            }
            catch (StorageException e)
            {
                Assert.Equal(StorageErrorKind.Corrupt, e.Kind);
                lost++;
            }
        }

        return lost;
    }

    /// <summary>Stands for the log: which value is current, and which was when the log was synced last.</summary>
    private sealed class Table
    {
        private ulong _sequence;
        private bool _retiresAtOnce;

        public Dictionary<string, (ValuePiece Piece, byte[] Bytes)> Committed { get; } = [];

        public Dictionary<string, (ValuePiece Piece, byte[] Bytes)> Durable { get; private set; } = [];

        /// <summary>Each way that a file takes: created, recycled, cut, grown, given up, removed.</summary>
        public void Run(ValueFiles files, DiskDurability durability, bool retiresAtOnce, bool goesOn)
        {
            _retiresAtOnce = retiresAtOnce;
            Put(files, "a", 100_000, 1, goesOn);
            Put(files, "b", 260_000, 2, goesOn);
            Put(files, "c", 210_000, 3, goesOn, expected: 0);
            Sync(files, durability);
            Put(files, "a", 90_000, 4, goesOn);
            Put(files, "a", 80_000, 5, goesOn);
            GiveUp(files, goesOn);
            Put(files, "b", 150_000, 6, goesOn);
            Sync(files, durability);
            Drop(files, "c");
            Put(files, "d", 400_000, 7, goesOn);
            Put(files, "e", 240_000, 8, goesOn);
            Sync(files, durability);
            Drop(files, "a");
            Put(files, "f", 88_000, 9, goesOn);
            files.GiveUpSpares();
            Put(files, "g", 10, 10, goesOn);
        }

        public void Put(ValueFiles files, string key, int length, int seed, bool goesOn, long? expected = null)
        {
            try
            {
                byte[] bytes = ValueFilesFixture.Bytes(length, seed);
                ValuePiece piece = files.Put(bytes, expected, step: 140_000);
                Drop(files, key);
                Committed[key] = (piece, bytes);
                _sequence++;
            }
            catch (IOException) when (goesOn)
            {
                // As a caller is told so: nothing has changed.
            }
        }

        private void Drop(ValueFiles files, string key)
        {
            if (!Committed.Remove(key, out (ValuePiece Piece, byte[] Bytes) old)) return;
            _sequence++;
            if (_retiresAtOnce) files.Retire(old.Piece.Id);
            else files.Retire(old.Piece.Id, _sequence);
        }

        private void Sync(ValueFiles files, DiskDurability durability)
        {
            if (durability != DiskDurability.Interval) return;
            files.Sync();
            Durable = new(Committed);
            files.DurableUpTo(_sequence);
        }

        private static void GiveUp(ValueFiles files, bool goesOn)
        {
            try
            {
                using ValueFileWriter writer = files.Create(150_000);
                writer.Write(new byte[100_000]);
            }
            catch (IOException) when (goesOn)
            {
                // Given up in any case.
            }
        }
    }
}
