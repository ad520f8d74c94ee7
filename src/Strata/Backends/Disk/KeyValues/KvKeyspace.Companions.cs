namespace Strata;

/// <content>Rows that go along with somebody else's change.</content>
internal sealed partial class KvKeyspace
{
    /// <summary>
    /// Rows that commit in the batch of a change of something else: decided when that gets its place among all commits, with the
    /// next versionstamp.
    /// </summary>
    internal sealed class KvCompanion(KvKeyspace keyspace, Func<IReadOnlyList<KvMutation>> decide) : ILogPlacement
    {
        private readonly List<Change> _plan = [];
        private IReadOnlyList<KvMutation>? _mutations;
        private KvChanges? _changes;

        /// <summary>The keys that it changes.</summary>
        public IEnumerable<ReadOnlyMemory<byte>> Keys => _changes is { } changes ? changes.Entries.Keys : [];

        public void Place(LogBatch batch)
        {
            _mutations ??= RecordedRows.Checked(decide());
            if (_mutations.Count == 0) return;
            batch.TakeOffEnd();
            _plan.Clear();
            long now = keyspace._time.Milliseconds;
            _changes = RecordedRows.Evaluate(_mutations, new Versionstamp(keyspace.Issue(1)), DateTimeOffset.FromUnixTimeMilliseconds(now));

            // A full disk takes what deletes, and its rows with it.
            bool frees = batch.FreesSpace;
            keyspace.Plan(_changes, batch, now, _plan, null);
            batch.FreesSpace = frees;
        }

        public void Published(int index, LogLocation location, LogLocation previous) => keyspace.Count(location, previous);

        /// <summary>It is committed.</summary>
        public void Settle() => keyspace.Settle(_plan);
    }
}
