using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>
/// The process ends at every call of the disk between a write and its confirmation (CONSISTENCY 2 and 8): nothing that was
/// acknowledged is lost, nothing that was deleted comes back, and the origin ends equal.
/// </summary>
public sealed class WriteBackCrashTests : WriteBackFixture
{
    private readonly Dictionary<BlobKey, string?> _acknowledged = [];
    private (BlobKey Key, string? Value)? _underWay;

    [Fact]
    public async Task A_kill_at_every_call_loses_nothing_and_brings_nothing_back()
    {
        int crashes = await CrashEverywhereAsync(disk => disk.Kill(), every: 1, rounds: 1);
        Assert.True(crashes > 10, $"the process ended {crashes} times only");
    }

    [Fact]
    public async Task A_power_cut_at_every_second_call_loses_nothing_and_brings_nothing_back()
    {
        var random = new Random(TestSeed.Next());
        int crashes = await CrashEverywhereAsync(disk => disk.CutPower(random), every: 2, rounds: 3);
        Assert.True(crashes > 10, $"the power was cut {crashes} times only");
    }

    [Fact]
    public async Task A_kill_while_the_origin_is_out_keeps_what_is_pending_and_its_order()
    {
        await OpenAsync();
        Faults.Inject(new StoreFault());
        await PutAsync("1");
        await PutAsync("2");
        await Store.DeleteAsync(Key);
        await PutAsync(BlobKey.Parse("b"), "1");
        SimulatedDisk left = Disk.Kill();
        Disk.Stop();
        await ReopenAsync(left);
        Assert.Equal(2, Store.GetStatus().Pending);
        Assert.Null(await GetAsync());
        Assert.Equal("1", await GetAsync(Store, BlobKey.Parse("b")));
        Faults.Heal();
        await Eventually.HoldsAsync(() =>
        {
            Clock.Advance(TimeSpan.FromSeconds(10));
            return Store.GetStatus().Pending == 0;
        }, "what was pending before the kill is not sent after it");
        Assert.Null(await AtOriginAsync());
        Assert.Equal("1", await GetAsync(Origin, BlobKey.Parse("b")));
    }

    private async Task<int> CrashEverywhereAsync(Func<SimulatedDisk, SimulatedDisk> crash, int every, int rounds)
    {
        int crashes = 0;
        for (int call = 1; ; call += every)
        {
            Disk = new SimulatedDisk(call);
            _acknowledged.Clear();
            _underWay = null;
            foreach (BlobInfo left in (await Origin.ListPageAsync(new ListRequest())).Items) await Origin.DeleteAsync(left.Key);
            await OpenAsync();
            Disk.StopAt(call);
            try
            {
                await ScenarioAsync(rounds);
            }
            catch (Exception e) when (Disk.IsStopped && e is SimulatedCrashException or StorageException)
            {
                // Here it ends.
            }

            if (!Disk.IsStopped) return crashes;
            crashes++;
            await CheckAsync(crash(Disk), call);
            await CloseAsync();
        }
    }

    private async Task ScenarioAsync(int rounds)
    {
        BlobKey a = BlobKey.Parse("a"), b = BlobKey.Parse("b");
        for (int round = 0; round < rounds; round++)
        {
            await DoAsync(a, $"{round}");
            await DoAsync(b, $"{round}");
            await FlushAsync();
            await DoAsync(a, $"{round} again");
            await DoAsync(b, null);
            await FlushAsync();
        }
    }

    /// <summary>Waits for the origin, but not in a process that has ended.</summary>
    private async Task FlushAsync()
    {
        using var ended = new CancellationTokenSource();
        Task<long> flush = Store.FlushAsync(ended.Token).AsTask();
        await Eventually.HoldsAsync(() => flush.IsCompleted || Disk.IsStopped, "the origin does not get what is pending");
        if (flush.IsCompleted)
        {
            await flush;
            return;
        }

        await ended.CancelAsync();
        await Record.ExceptionAsync(() => flush);
        throw new SimulatedCrashException();
    }

    private async Task DoAsync(BlobKey key, string? value)
    {
        _underWay = (key, value);
        if (value is null) Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(key)).Status);
        else await PutAsync(key, value);
        _acknowledged[key] = value;
        _underWay = null;
    }

    private async Task CheckAsync(SimulatedDisk left, int call)
    {
        await ReopenAsync(left);
        var found = new Dictionary<BlobKey, string?>();
        foreach ((BlobKey key, string? value) in _acknowledged)
        {
            found[key] = await GetAsync(Store, key);
            bool isRight = found[key] == value || (_underWay is { } last && last.Key == key && found[key] == last.Value);
            Assert.True(isRight, $"the process ended at call {call}: '{key}' was acknowledged as '{value}' and is '{found[key]}' afterwards");
        }

        // Leases of the one that ended run out.
        await Eventually.HoldsAsync(() =>
        {
            Clock.Advance(TimeSpan.FromSeconds(31));
            return Store.GetStatus().Pending == 0;
        }, () => $"the process ended at call {call}: something stays pending, {Store.GetStatus()}");
        foreach ((BlobKey key, string? value) in found)
        {
            string? there = await GetAsync(Origin, key);
            Assert.True(there == value, $"the process ended at call {call}: '{key}' is '{value}' and the origin has '{there}'");
            Assert.Equal(value, await GetAsync(Store, key));
        }
    }
}
