using Strata.Workload;
using Xunit.Sdk;

namespace Strata.Reliability;

/// <summary>What the writers of a store were told, and so what it must hold, over any number of crashes.</summary>
internal sealed class StoreHistory
{
    private readonly Script _script;
    private readonly int _seed;
    private readonly Held[][] _held;
    private readonly bool _deletesOneByOne;
    private long _firstStep = 1;

    /// <param name="seed">Of the steps.</param>
    /// <param name="writers">How many write side by side.</param>
    /// <param name="keysPerWriter">How many keys each has.</param>
    /// <param name="deletesOneByOne">A delete of several may be cut short between two of them.</param>
    public StoreHistory(int seed, int writers, int keysPerWriter = 16, bool deletesOneByOne = false)
    {
        (_seed, _deletesOneByOne) = (seed, deletesOneByOne);
        _script = new Script(seed, keysPerWriter);
        _held = [.. Enumerable.Range(0, writers).Select(_ => new Held[keysPerWriter])];
    }

    private StoreHistory(StoreHistory other)
    {
        (_script, _seed, _firstStep, _deletesOneByOne) = (other._script, other._seed, other._firstStep, other._deletesOneByOne);
        _held = [.. other._held.Select(h => h.ToArray())];
    }

    /// <summary>Blobs that the last check found.</summary>
    public int Blobs => _held.Sum(held => held.Count(h => h.Content > 0));

    /// <summary>Acknowledgements since the beginning.</summary>
    public long Acknowledged { get; private set; }

    /// <summary>How many of them, in all checks, were lost; none but where it was allowed.</summary>
    public long Lost { get; private set; }

    public StoreHistory Clone() => new(this);

    /// <summary>Begins with an empty store; the numbers of the steps go on.</summary>
    public void Restart()
    {
        foreach (Held[] held in _held) Array.Clear(held);
    }

    /// <summary>What the next process of this store is to do.</summary>
    public WorkloadSettings Next(string folder) => new()
    {
        Command = WorkloadCommand.Write, Folder = folder, Seed = _seed, Writers = _held.Length, KeysPerWriter = _script.KeysPerWriter, FirstStep = _firstStep,
    };

    /// <summary>
    /// Opens what a crash has left. It must hold, of each writer, a prefix of what was acknowledged to it, and of a step
    /// that was under way all or nothing; and no step without those that were acknowledged before it was begun.
    /// </summary>
    /// <param name="process">It has ended.</param>
    /// <param name="settings">Its own; of the folder that it left, wherever that is now.</param>
    /// <param name="mustBeThere">Which acknowledgements may not be lost.</param>
    /// <param name="context">For messages.</param>
    /// <param name="mayLoseFiles">Bytes of large blobs may be damaged, if reading them says so.</param>
    public async Task CheckAsync(WorkloadProcess process, WorkloadSettings settings, Func<Acknowledgement, bool> mustBeThere, string context, bool mayLoseFiles = false)
    {
        DiskBlobStore store;
        try
        {
            store = await DiskBlobStore.OpenAsync((settings with { LiesAboutSyncs = false }).Store);
        }
        catch (StorageException e)
        {
            throw new XunitException($"{context}: {e.Message}", e);
        }

        await using (store) await CheckAsync(process, store, mustBeThere, context, mayLoseFiles);
    }

    /// <summary>The same of a store that somebody has opened.</summary>
    public async Task CheckAsync(WorkloadProcess process, IBlobStore store, Func<Acknowledgement, bool> mustBeThere, string context, bool mayLoseFiles = false)
    {
        IReadOnlyList<Acknowledgement> acknowledged = process.Acknowledged;
        Acknowledged += acknowledged.Count;
        Held[][] found = await ReadAsync(store, context, mayLoseFiles);
        Match[] matches = [.. found.Select((held, writer) => MatchOf(writer, held, acknowledged, mustBeThere, context))];
        CheckOrder(matches, acknowledged, context);
        Lost += matches.Sum(m => Math.Max(0, m.Steps.Count - m.Most));
        for (int writer = 0; writer < found.Length; writer++) _held[writer] = found[writer];

        // Not the number of the step that was under way: it may have been applied.
        _firstStep = Math.Max(_firstStep, acknowledged.Select(a => a.Number).DefaultIfEmpty(_firstStep).Max()) + 2;
    }

    /// <summary>The store, or another that is to be equal to it, must hold what the last check found.</summary>
    public async Task CheckIsAsFoundAsync(IBlobStore store, string context)
    {
        Held[][] found = await ReadAsync(store, context, mayLoseFiles: false);
        for (int writer = 0; writer < found.Length; writer++)
        {
            string differences = string.Join("; ", Enumerable.Range(0, found[writer].Length).Where(k => found[writer][k] != _held[writer][k]).Take(5).Select(k => $"{Script.KeyOf(writer, k)} holds {found[writer][k]} and not {_held[writer][k]}"));
            if (differences.Length > 0) throw new XunitException($"{context}: {differences}");
        }
    }

    private async Task<Held[][]> ReadAsync(IBlobStore store, string context, bool mayLoseFiles)
    {
        try
        {
            var found = new Held[_held.Length][];
            for (int writer = 0; writer < found.Length; writer++) found[writer] = await StoreReader.ReadAsync(store, _script, writer, mayLoseFiles);
            int there = found.Sum(held => held.Count(h => h.Content > 0)), listed = await store.EnumerateAsync().CountAsync();
            long counted = store is DiskBlobStore disk ? disk.GetStatistics().Blobs : listed;
            if (listed != there || counted != there) throw new InvalidDataException($"{there} blobs are read, {listed} are listed and {counted} counted");
            return found;
        }
        catch (Exception e) when (e is StorageException or InvalidDataException)
        {
            throw new XunitException($"{context}: {e.Message}", e);
        }
    }

    /// <summary>Finds how many of a writer's steps led to what is there.</summary>
    private Match MatchOf(int writer, Held[] found, IReadOnlyList<Acknowledgement> acknowledged, Func<Acknowledgement, bool> mustBeThere, string context)
    {
        int[] steps = [.. Enumerable.Range(0, acknowledged.Count).Where(i => acknowledged[i].Writer == writer)];
        int needed = 1 + Array.FindLastIndex(steps, s => mustBeThere(acknowledged[s])), least = -1, most = -1;
        List<Held[]> possible = [_held[writer]];
        bool isInDoubt = false;
        for (int taken = 0; taken <= steps.Length + 1; taken++)
        {
            if (taken > 0)
            {
                bool isUnderWay = taken > steps.Length;
                long number = !isUnderWay ? acknowledged[steps[taken - 1]].Number : steps.Length == 0 ? _firstStep : acknowledged[steps[^1]].Number + 1;
                StepResult result = isUnderWay ? UnderWay(writer, number) : acknowledged[steps[taken - 1]].Result;

                // Who finds nothing to do, behind a write of unknown outcome, wrote nothing: that write may count later still, from the next opening on.
                if (!isInDoubt || result != StepResult.Unchanged) possible = After(possible, writer, number, result);
                isInDoubt |= result == StepResult.Unknown;
            }

            if (taken < needed || !possible.Exists(p => p.AsSpan().SequenceEqual(found))) continue;
            if (least < 0) least = taken;
            most = taken;
        }

        if (least >= 0) return new Match(steps, least, most);
        Held[] last = possible[0];
        string differences = string.Join("; ", Enumerable.Range(0, found.Length).Where(k => found[k] != last[k]).Take(5).Select(k => $"{Script.KeyOf(writer, k)} holds {found[k]} and in the end held {last[k]}"));
        throw new XunitException($"{context}: what writer {writer} finds is not what any {needed} to {steps.Length} of its acknowledged steps led to, nor those with the one that was under way: {differences}");
    }

    private StepResult UnderWay(int writer, long number) => _deletesOneByOne && _script.StepOf(writer, number).Kind == StepKind.DeleteMany ? StepResult.Partly : StepResult.Unknown;

    private List<Held[]> After(List<Held[]> possible, int writer, long number, StepResult result)
    {
        if (result == StepResult.NotApplied) return possible;
        if (result == StepResult.Partly) return [.. possible.SelectMany(before => AnyOf(before, writer, number))];
        List<Held[]> after = result == StepResult.Unknown ? [.. possible] : [];
        foreach (Held[] before in possible)
        {
            var held = (Held[])before.Clone();
            _script.Apply(held, writer, number);
            after.Add(held);
        }

        return after;
    }

    /// <summary>What a delete of several may have left that was refused in part; which part, its process has compared with what it was told.</summary>
    private IEnumerable<Held[]> AnyOf(Held[] before, int writer, long number)
    {
        int first = _script.StepOf(writer, number).Key;
        for (int gone = 0; gone < 1 << Script.Several; gone++)
        {
            var held = (Held[])before.Clone();
            for (int i = 0; i < Script.Several; i++)
            {
                if ((gone >> i & 1) == 1) held[(first + i) % _script.KeysPerWriter] = default;
            }

            yield return held;
        }
    }

    /// <summary>A step that is there was begun after its writer's step before it was acknowledged: all that others were told until then must be there too.</summary>
    private static void CheckOrder(Match[] matches, IReadOnlyList<Acknowledgement> acknowledged, string context)
    {
        int latest = matches.Max(m => m.Least < 2 ? -1 : m.Steps[m.Least - 2]);
        for (int writer = 0; writer < matches.Length; writer++)
        {
            int needed = matches[writer].Steps.Count(s => s <= latest);
            if (matches[writer].Most < needed)
                throw new XunitException($"{context}: of writer {writer} no more than {matches[writer].Most} steps are there, and {needed} were acknowledged before a step of writer {acknowledged[latest].Writer} was begun that is there: not the last writes alone were lost");
        }
    }

    /// <param name="Steps">A writer's acknowledgements: their places among all.</param>
    /// <param name="Least">The fewest of them that lead to what is there.</param>
    /// <param name="Most">The most, one more with the step under way.</param>
    private sealed record Match(IReadOnlyList<int> Steps, int Least, int Most);
}
