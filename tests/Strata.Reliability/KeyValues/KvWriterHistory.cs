using System.Text;
using Strata.Workload;

namespace Strata.Reliability;

/// <summary>What the writers of a KV database were told, over all the lives of their processes; and whether the database agrees.</summary>
internal sealed class KvWriterHistory
{
    private readonly Dictionary<string, KvAcknowledgement> _last = [];
    private readonly HashSet<Versionstamp> _stamps = [];
    private readonly List<KvAcknowledgement> _life = [];
    private Versionstamp _highest;

    /// <summary>Commits that were acknowledged.</summary>
    public int Acknowledged => _stamps.Count;

    /// <summary>Of these, commits that power cuts took back where they may.</summary>
    public long Lost { get; private set; }

    /// <summary>Takes in what one process has printed, or several that ran at the same time.</summary>
    public void Add(IEnumerable<string> printed, string context)
    {
        Versionstamp before = _highest;
        _life.Clear();
        foreach (KvAcknowledgement told in printed.Select(KvAcknowledgement.Read).OfType<KvAcknowledgement>())
        {
            Assert.True(told.Versionstamp > before, $"{told} after a restart, though {before} was issued before it; {context}");
            Assert.True(_stamps.Add(told.Versionstamp), $"{told}: a versionstamp that was issued twice; {context}");
            if (_last.TryGetValue(told.Writer, out KvAcknowledgement last)) Assert.True(told.Step > last.Step && told.Versionstamp > last.Versionstamp, $"{told} after {last}; {context}");
            _last[told.Writer] = told;
            _life.Add(told);
            if (told.Versionstamp > _highest) _highest = told.Versionstamp;
        }
    }

    /// <summary>Each writer's keys say its last acknowledged step, or the one that was under way; no step is half there, none was counted twice.</summary>
    /// <param name="database">What is left.</param>
    /// <param name="settings">Of the writers.</param>
    /// <param name="context">For messages.</param>
    /// <param name="mayLose">The power was cut, and nothing had been flushed: the last commits of this life may be lost, but none before one that is there.</param>
    public async Task CheckAsync(IKvDatabase database, WorkloadSettings settings, string context, bool mayLose = false)
    {
        long all = 0;
        Versionstamp newest = default;
        foreach (string writer in Writers(settings))
        {
            (long step, Versionstamp stamp) = await KvCommand.StateAsync(database, writer, settings.KeysPerWriter);
            KvAcknowledgement last = _last.GetValueOrDefault(writer);
            Assert.True(step == last.Step || step == last.Step + 1 || (mayLose && step < last.Step), $"writer {writer} was told of step {last.Step}, and the database says {step}; {context}");
            Assert.True(last.Step - step <= _life.Count(told => told.Writer == writer), $"writer {writer} is back at step {step}, before what an opening found; {context}");
            if (step == last.Step) Assert.Equal(last.Versionstamp, stamp);
            else if (step > last.Step) Assert.True(stamp > last.Versionstamp, $"step {step} has {stamp}, and the one before it {last.Versionstamp}; {context}");

            // What nobody was told of has happened all the same, and what is lost has not: the writer goes on from there.
            _last[writer] = new KvAcknowledgement(writer, step, stamp);
            if (stamp > newest) newest = stamp;
            all += step;
        }

        if (newest > _highest) _highest = newest;
        KvAcknowledgement[] lost = [.. _life.Where(told => told.Step > _last[told.Writer].Step)];
        Assert.True(lost.All(told => told.Versionstamp > newest), $"{lost.FirstOrDefault(told => told.Versionstamp < newest)} is lost, and {newest} is there; {context}");
        Lost += lost.Length;
        Assert.True((ulong)all == await TotalAsync(database), $"{all} steps were done, and {await TotalAsync(database)} were counted; {context}");
    }

    private static IEnumerable<string> Writers(WorkloadSettings settings) =>
        from process in (int[])[1, 2]
        from writer in Enumerable.Range(0, settings.Writers)
        select KvCommand.WriterOf(settings with { Seed = process }, writer);

    private static async Task<ulong> TotalAsync(IKvDatabase database) =>
        (await database.SnapshotReadAsync([ReadRange.Of(Encoding.UTF8.GetBytes(KvCommand.Total))], null, CancellationToken.None))[0].Entries is [var total] && total.Value.TryGetUInt64(out ulong counted) ? counted : 0;
}
