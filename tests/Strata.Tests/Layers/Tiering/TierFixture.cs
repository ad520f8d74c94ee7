using System.Diagnostics;
using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Memory over an origin that can be made to fail or to wait, all of it within reach of the test.</summary>
internal sealed class TierFixture : IAsyncDisposable
{
    public static readonly BlobKey Key = BlobKey.Parse("a/key");

    public TierFixture(TieringOptions? options = null, IBlobStore? warm = null, bool hasOtherWriters = false, Func<Tier, Tier>? adjust = null, StoreContext? context = null)
    {
        Context = (context ?? StoreContext.Default) with { Clock = Clock };
        Hot = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true, MaxBytes = 16 << 20 }, Context);
        Disk = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "cold" }, Context);
        Gates = new LatencyStore(Disk, Context);
        Faults = new FaultStore(Gates);
        List<Tier> tiers = [new Tier { Name = "hot", Store = Hot }, new Tier { Name = "cold", Store = hasOtherWriters ? new DistantStore(Faults, hasOtherWriters: true) : Faults }];
        if (warm is not null) tiers.Insert(1, new Tier { Name = "warm", Store = warm });
        Store = new TieredBlobStore([.. tiers.Select(adjust ?? (tier => tier))], options, Context);
    }

    public FakeClock Clock { get; } = new();

    public StoreContext Context { get; }

    public MemoryBlobStore Hot { get; }

    /// <summary>What the origin keeps, without faults and gates.</summary>
    public MemoryBlobStore Disk { get; }

    public LatencyStore Gates { get; }

    public FaultStore Faults { get; }

    public TieredBlobStore Store { get; }

    public static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public async Task PutAsync(string text, WriteOptions? options = null) =>
        Assert.True((await Store.PutBytesAsync(Key, Bytes(text), options)).IsWritten);

    public Task<string?> GetAsync() => GetAsync(Store);

    public static Task<string?> GetAsync(IBlobStore store) => GetAsync(store, Key);

    public static async Task<string?> GetAsync(IBlobStore store, BlobKey key) =>
        await store.GetBytesAsync(key) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    /// <summary>Makes a write or delete after which tier warm alone holds a copy: the one from before, which it could not drop.</summary>
    public async Task LeaveOldCopyAsync(FaultStore warm, bool isDelete)
    {
        await PutAsync("old", new WriteOptions { SkipTiers = ["hot"] });
        warm.Inject(StoreFault.On(StoreOperation.Delete, StoreOperation.Write));
        if (isDelete) await Store.DeleteAsync(Key);
        else await PutAsync("mine");
        warm.Heal();
        await Hot.DeleteAsync(Key);
        Assert.NotNull(await warm.StatAsync(Key));
    }

    /// <summary>Begins a read that has the origin's answer, <c>old</c>, when others write <c>new</c> there, and goes on when the gate is opened.</summary>
    /// <param name="reading">A gate behind the first read of the origin.</param>
    public async Task<Task<string?>> ReadWhileOthersWriteAsync(StoreGate reading)
    {
        await Disk.PutBytesAsync(Key, Bytes("old"));
        Task<string?> slow = Task.Run(GetAsync);
        await reading.WaitForArrivalAsync();
        await Disk.PutBytesAsync(Key, Bytes("new"));
        return slow;
    }

    /// <summary>Waits until nothing is compared in the background, and no promotion is queued or under way.</summary>
    public Task IdleAsync() => WaitForAsync(() => Store.IsIdle, "promotions never came to rest");

    /// <summary>Begins something that a time-out will end, and lets that time pass, as often as somebody waits for it: a promotion may be the first.</summary>
    public Task<Task<T>> LateAsync<T>(Func<Task<T>> begin, TimeSpan time) => LateAsync(Clock, begin, time);

    /// <summary>The same on any clock.</summary>
    public static async Task<Task<T>> LateAsync<T>(FakeClock clock, Func<Task<T>> begin, TimeSpan time)
    {
        Task<T> late = Task.Run(begin);
        while (true)
        {
            Task armed = clock.WaitForTimerAsync(time);
            if (await Task.WhenAny(late, armed) == late) return late;
            await armed;
            clock.Advance(time);
        }
    }

    public static async Task WaitForAsync(Func<bool> condition, string otherwise)
    {
        long started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            TimeSpan waited = Stopwatch.GetElapsedTime(started);
            Assert.True(waited < TimeSpan.FromMinutes(1), otherwise);

            // What is awaited needs a processor too, and there may be one.
            if (waited < TimeSpan.FromMilliseconds(20)) await Task.Yield();
            else await Task.Delay(1);
        }
    }

    public ValueTask DisposeAsync() => Store.DisposeAsync();
}
