using System.Text;
using Strata.Workload;

namespace Strata.Reliability;

/// <summary>What the writers of a KV database were told, over all the lives of their processes; and whether the database agrees.</summary>
internal sealed class KvWriterHistory
{
    private readonly Dictionary<string, KvAcknowledgement> _last = [];
    private readonly HashSet<Versionstamp> _stamps = [];
    private Versionstamp _highest;

    /// <summary>Commits that were acknowledged.</summary>
    public int Acknowledged => _stamps.Count;

    /// <summary>Takes in what one process has printed, or several that ran at the same time.</summary>
    public void Add(IEnumerable<string> printed, string context)
    {
        Versionstamp before = _highest;
        foreach (KvAcknowledgement told in printed.Select(KvAcknowledgement.Read).OfType<KvAcknowledgement>())
        {
            Assert.True(told.Versionstamp > before, $"{told} after a restart, though {before} was issued before it; {context}");
            Assert.True(_stamps.Add(told.Versionstamp), $"{told}: a versionstamp that was issued twice; {context}");
            if (_last.TryGetValue(told.Writer, out KvAcknowledgement last)) Assert.True(told.Step > last.Step && told.Versionstamp > last.Versionstamp, $"{told} after {last}; {context}");
            _last[told.Writer] = told;
            if (told.Versionstamp > _highest) _highest = told.Versionstamp;
        }
    }

    /// <summary>Each writer's keys say its last acknowledged step, or the one that was under way; no step is half there, none was counted twice.</summary>
    public async Task CheckAsync(IKvDatabase database, WorkloadSettings settings, string context)
    {
        long all = 0;
        foreach (int process in (int[])[1, 2])
        {
            for (int w = 0; w < settings.Writers; w++)
            {
                string writer = KvCommand.WriterOf(settings with { Seed = process }, w);
                (long step, Versionstamp stamp) = await KvCommand.StateAsync(database, writer, settings.KeysPerWriter);
                KvAcknowledgement last = _last.GetValueOrDefault(writer);
                Assert.True(step == last.Step || step == last.Step + 1, $"writer {writer} was told of step {last.Step}, and the database says {step}; {context}");
                if (step == last.Step) Assert.Equal(last.Versionstamp, stamp);
                else Assert.True(stamp > last.Versionstamp, $"step {step} has {stamp}, and the one before it {last.Versionstamp}; {context}");

                // What nobody was told of has happened all the same: the writer goes on from there.
                if (step > last.Step) _last[writer] = new KvAcknowledgement(writer, step, stamp);
                if (stamp > _highest) _highest = stamp;
                all += step;
            }
        }

        IReadOnlyList<KvRange> total = await database.SnapshotReadAsync([ReadRange.Of(Encoding.UTF8.GetBytes(KvCommand.Total))], null, CancellationToken.None);
        ulong counted = 0;
        Assert.True(all == 0 || total[0].Entries[0].Value.TryGetUInt64(out counted));
        Assert.True((ulong)all == counted, $"{all} steps were done, and {counted} were counted; {context}");
    }
}
