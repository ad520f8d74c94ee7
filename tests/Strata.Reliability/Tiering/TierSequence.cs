using System.Diagnostics;
using Strata.Testing;

namespace Strata.Reliability;

/// <summary>
/// One random sequence of operations on a store with three tiers, the first of them memory; see <see cref="TierModelTests"/>. What is
/// below that tier, and what happens to it, is the derived classes'.
/// </summary>
internal abstract partial class TierSequence : IAsyncDisposable
{
    protected const int Keys = 4;
    private const int Steps = 50;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30), LongestWait = TimeSpan.FromMinutes(3);
    private readonly Lock _gate = new();
    private readonly List<string> _trace = [];
    private readonly List<IAsyncDisposable> _opened = [];
    private int _values;

    protected TierSequence(int seed, bool hasOtherWriters, TierTally tally)
    {
        (Seed, HasOtherWriters, Tally, Random) = (seed, hasOtherWriters, tally, new Random(seed));
        Context = StoreContext.Default with { Clock = Clock };
        TimeSpan? freshFor = hasOtherWriters || OneIn(3) ? TimeSpan.FromSeconds(10) : null;
        Options = new TieringOptions
        {
            MaxSharedLoadBytes = 150,
            RequestLife = RequestLife,
            FreshFor = freshFor,
            StaleWhileRevalidate = freshFor is not null && OneIn(3) ? TimeSpan.FromSeconds(5) : default,
            FailSafeFor = freshFor is not null && OneIn(3) ? TimeSpan.FromMinutes(2) : null,
            RunEvery = OneIn(4) ? TimeSpan.FromMinutes(5) : null,
            Policy = new TieringPolicy { HotFor = TimeSpan.FromMinutes(1), WarmFor = TimeSpan.FromMinutes(10), PromoteOnRead = !OneIn(4) },
        };
    }

    protected static TimeSpan RequestLife { get; } = TimeSpan.FromMinutes(15);

    protected int Seed { get; }

    protected bool HasOtherWriters { get; }

    protected TierTally Tally { get; }

    protected Random Random { get; }

    protected FakeClock Clock { get; } = new();

    protected StoreContext Context { get; }

    protected TieringOptions Options { get; set; }

    protected ExpectedBlob[] Expected { get; } = [.. Enumerable.Range(0, Keys).Select(_ => new ExpectedBlob())];

    protected Life Life { get; private set; } = new();

    protected TieredBlobStore Store { get; private set; } = null!;

    protected MemoryBlobStore Hot { get; private set; } = null!;

    /// <summary>A failure was made that is not mended yet.</summary>
    protected bool IsFaulty { get; set; }

    /// <summary>The stores below that can be made to fail.</summary>
    protected abstract IReadOnlyList<(string Name, FaultStore Store)> Faults { get; }

    /// <summary>The tier that loses requests; null: none does.</summary>
    protected virtual LateStore? Network => null;

    /// <summary>Whether something that failed before may still refuse or put off what is asked for.</summary>
    protected virtual bool IsUnsettled => Store.GetDoubts().Keys > 0;

    /// <summary>What a copy may be behind the origin, where nobody says that it is.</summary>
    private TimeSpan StaleFor => (Options.FreshFor ?? default) + Options.StaleWhileRevalidate + TimeSpan.FromMilliseconds(1);

    /// <summary>What a copy may be behind where nobody looked whether it says so.</summary>
    private TimeSpan StaleAtMost => Options.FailSafeFor is { } safe && safe > StaleFor ? safe + TimeSpan.FromMilliseconds(1) : StaleFor;

    protected string Trace
    {
        get
        {
            lock (_gate) return string.Join('\n', _trace);
        }
    }

    public async Task RunAsync()
    {
        try
        {
            if (!await BeginLifeAsync()) await NextLifeAsync();
            for (int step = 0; step < Steps; step++)
            {
                Network?.Step();
                await StepAsync();
                if (Life.IsOver) await NextLifeAsync();
                Clock.Advance(TimeSpan.FromMilliseconds(1));
            }

            await SettleAsync();
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            throw new InvalidOperationException($"seed {Seed}: {e.Message}\n{Trace}", e);
        }
    }

    public virtual async ValueTask DisposeAsync() => await CloseAsync();

    /// <summary>Opens the tiers for this life, and the store over them.</summary>
    protected abstract ValueTask<TieredBlobStore> OpenAsync(Tier hot);

    /// <summary>Decides what the end of a life leaves to the next one.</summary>
    protected abstract Task SurviveAsync();

    /// <summary>Something that only these tiers know, of a key.</summary>
    protected abstract Task OwnStepAsync(int k);

    /// <summary>Whether nothing is under way or left to do; the clock is moved until it is so.</summary>
    protected abstract Task<bool> IsSettledAsync();

    /// <summary>What is, for a message.</summary>
    protected abstract string Unfinished { get; }

    /// <summary>What the tiers below hold of a key, once all is settled.</summary>
    protected abstract Task<int?> HeldAsync(int k);

    /// <summary>All is settled, and was checked.</summary>
    protected virtual void Settled()
    {
    }

    /// <summary>A life has begun, or all is settled.</summary>
    protected virtual Task NoteHeldAsync() => Task.CompletedTask;

    protected static BlobKey KeyOf(int k) => BlobKey.Parse($"k/{k}");

    protected static int? ValueOf(byte[]? bytes) => bytes is null ? null : BitConverter.ToInt32(bytes);

    protected bool OneIn(int count) => Random.Next(count) == 0;

    /// <summary>A failure that was made; any other is one of the store. Damage never is.</summary>
    protected bool IsExpected(Exception e) =>
        Life.IsOver || e is LifeEndedException or OperationCanceledException || (e is StorageException { Kind: not StorageErrorKind.Corrupt } && (IsFaulty || IsUnsettled));

    protected void Note(string what)
    {
        lock (_gate) _trace.Add($"  {Clock.GetUtcNow():HH:mm:ss.fff} {what}");
    }

    protected string Told(string what) => $"seed {Seed}: {what}\n{Trace}";

    /// <summary>What a call comes to that may wait for the clock: that goes on meanwhile. It is cancelled after some minutes, and where the life is over.</summary>
    protected async Task<T> DoneAsync<T>(Func<CancellationToken, Task<T>> call, TimeSpan? longest = null)
    {
        using var giveUp = new CancellationTokenSource();
        Task<T> task = call(giveUp.Token);
        long began = Stopwatch.GetTimestamp();
        TimeSpan step = TimeSpan.FromSeconds(1), passed = default;
        for (int real = 50; !task.IsCompleted; real = 10)
        {
            await Task.WhenAny(task, Task.Delay(real));
            if (task.IsCompleted) break;
            if (Stopwatch.GetElapsedTime(began) > Patience) Assert.Fail(Told("a call hangs"));
            if (Life.IsOver || passed > (longest ?? LongestWait)) await giveUp.CancelAsync();
            Clock.Advance(step);
            passed += step;
            if (step < TimeSpan.FromSeconds(30)) step *= 2;
        }

        return await task;
    }

    protected (int Value, byte[] Bytes) NextValue()
    {
        byte[] bytes = new byte[Random.Next(3) switch { 0 => 4, 1 => 120, _ => 300 }];
        BitConverter.TryWriteBytes(bytes, ++_values);
        return (_values, bytes);
    }

    /// <summary>Notes that somebody else changed the blob at the origin.</summary>
    protected virtual void ChangedByOthers(int k, int? value) => Expected[k].ChangedByOthers(value, Clock.GetUtcNow());

    protected async Task ChangeByOthersAsync(int k, IBlobStore origin)
    {
        (int value, byte[] bytes) = NextValue();
        bool isDelete = OneIn(3);
        Note(isDelete ? $"others delete {k}" : $"others put {value} of {k}");
        ChangedByOthers(k, isDelete ? null : value);
        if (isDelete) await origin.DeleteAsync(KeyOf(k));
        else await origin.PutBytesAsync(KeyOf(k), bytes);
    }

    /// <summary>A write that is given up before it comes through, and perhaps a reply that never comes.</summary>
    protected async Task LoseAsync(int k)
    {
        if (OneIn(2)) await HealAsync();
        IsFaulty = true;
        Note("requests get lost");
        Network!.Lose(Random.Next(1, 3));
        if (!OneIn(4)) await PutAsync(k, default);
    }

    /// <summary>A lost request comes through, unless the longest life of one is over.</summary>
    protected async Task ComeLateAsync()
    {
        if (Network!.Late is not { Count: > 0 } late) return;
        LateRequest one = late[Random.Next(late.Count)];
        Tally.Late++;
        Note($"the {one.What} of {one.Value} of '{one.Key}' comes late");
        await Network.ComeAsync(one);
    }

    protected virtual Task HealAsync()
    {
        Note("healed");
        Network?.Lose(0);
        foreach ((_, FaultStore store) in Faults) store.Heal();
        IsFaulty = false;
        return Task.CompletedTask;
    }

    protected async Task NextLifeAsync()
    {
        do
        {
            await CloseAsync();
            await SurviveAsync();
            await HealAsync();
        }
        while (!await BeginLifeAsync());
        await NoteHeldAsync();
    }

    private async Task<bool> BeginLifeAsync()
    {
        Note("a life begins");
        Tally.Lives++;
        Life = new Life();
        if (OneIn(6)) Life.EndAt(Random.Next(1, 12), OneIn(2));
        Hot = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", Evicts = true, MaxBytes = 1 << 20 }, Context);
        try
        {
            Store = await DoneAsync(async _ => await OpenAsync(new Tier { Name = "hot", Store = Hot, MaxBlobBytes = 100 }));
            return !Life.IsOver;
        }
        catch (Exception) when (Life.IsOver)
        {
            Note("killed while it began");
            Store = null!;
            return false;
        }
    }

    private async Task CloseAsync()
    {
        Life.End();
        try
        {
            await DoneAsync(async _ =>
            {
                if (Store is not null) await Store.DisposeAsync();
                return true;
            });
        }
        catch (Exception e) when (IsExpected(e))
        {
            // It is dead, and tells nobody.
        }

        // What is dead may not have come to them.
        foreach (IAsyncDisposable one in Enumerable.Reverse(_opened)) await Record.ExceptionAsync(async () => await one.DisposeAsync());
        _opened.Clear();
    }

    /// <summary>A store of this life, which ends with it.</summary>
    protected T Opened<T>(T store)
        where T : IAsyncDisposable
    {
        _opened.Add(store);
        return store;
    }

    private Task EndLifeAsync()
    {
        if (OneIn(3))
        {
            Note("killed");
            Life.End();
        }
        else
        {
            int call = Random.Next(1, 12);
            bool after = OneIn(2);
            Note($"killed {(after ? "after" : "before")} call {call} from now");
            if (OneIn(3)) Network?.Lose(1);
            Life.EndAt(call, after);
        }

        return Task.CompletedTask;
    }

    /// <summary>Once all works and every request is answered or over, all that is known agrees, and stays so.</summary>
    protected async Task SettleAsync()
    {
        Note("settles");
        Tally.Settled++;
        await HealAsync();
        while (!Life.Spare()) await NextLifeAsync();
        Clock.Advance(RequestLife + TimeSpan.FromMinutes(1));
        long began = Stopwatch.GetTimestamp();
        while (!(await IsSettledAsync() && Store.GetDoubts().Keys == 0 && Store.IsIdle))
        {
            if (Stopwatch.GetElapsedTime(began) > Patience) Assert.Fail(Told($"it does not settle: {Unfinished}, {Store.GetDoubts()}, idle: {Store.IsIdle}"));
            await Task.Delay(2);
            Clock.Advance(TimeSpan.FromSeconds(5));
        }

        for (int k = 0; k < Keys; k++)
        {
            await ReadAsync(k);
            int? found = ValueOf(await Store.GetBytesAsync(KeyOf(k))), held = await HeldAsync(k);
            Assert.True(found == held, Told($"'{KeyOf(k)}' is read as {Said(found)} where {Said(held)} is held below"));
            Check(k, found, "settled", Clock.GetUtcNow(), StaleAtMost);
            Expected[k].Settle(found);
        }

        string[] listed = await Store.EnumerateAsync().Select(i => i.Key.Value).ToArrayAsync();
        string[] there = [.. Enumerable.Range(0, Keys).Where(k => Expected[k].Acknowledged is not null).Select(k => KeyOf(k).Value)];
        Assert.True(there.SequenceEqual(listed), Told($"{string.Join(' ', listed)} are listed, {string.Join(' ', there)} are there"));
        await NoteHeldAsync();
        Settled();
    }

    protected static string Said(int? value) => value?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "nothing";
}
