namespace Strata;

/// <summary>Atomic writes that are committed together, as one transaction of the backend; each keeps a versionstamp of its own.</summary>
public sealed class KvCommitGroup
{
    private readonly List<Waiting> _writes = [];
    private KvChanges? _changes;
    private long _bytes;

    internal KvCommitGroup()
    {
    }

    internal bool IsEmpty => _writes.Count == 0;

    /// <summary>What was evaluated last; null if nothing was, or nothing is to be changed.</summary>
    internal KvChanges? Changes => _changes;

    /// <summary>Judges the writes by the state that the backend holds still; again from the beginning if it is called again.</summary>
    /// <param name="before">The state.</param>
    /// <param name="last">The last versionstamp issued.</param>
    /// <param name="now">What time it is.</param>
    /// <returns>What is to be written in one transaction. No write is committed if <see cref="KvChanges.Last"/> is still <paramref name="last"/>.</returns>
    public KvChanges Evaluate(IKvView before, Versionstamp last, DateTimeOffset now)
    {
        _changes = new KvChanges(before, last, now);
        foreach (Waiting write in _writes)
        {
            try
            {
                (write.Result, write.Failure) = (_changes.Add(write.Write), null);
            }
            catch (Exception e) when (e is ArgumentException or StorageException)
            {
                // What one write cannot read is nothing to the others.

                (write.Result, write.Failure) = (null, e);
            }
        }

        return _changes;
    }

    internal bool TryAdd(Waiting write, int mostWrites, long mostBytes)
    {
        if (_writes.Count > 0 && (_writes.Count == mostWrites || _bytes + write.Bytes > mostBytes)) return false;
        _writes.Add(write);
        _bytes += write.Bytes;
        return true;
    }

    /// <summary>Takes out the writes that delete alone, which a full disk still takes. Null: there are none, or no others.</summary>
    internal KvCommitGroup? TakeRelief()
    {
        if (_writes.TrueForAll(w => w.IsRelief) || !_writes.Exists(w => w.IsRelief)) return null;
        var relief = new KvCommitGroup();
        relief._writes.AddRange(_writes.Where(w => w.IsRelief));
        _writes.RemoveAll(w => w.IsRelief);
        return relief;
    }

    /// <summary>Tells each caller what came of its write.</summary>
    /// <param name="failure">Why the group was not committed; null if it was.</param>
    internal void Complete(Exception? failure)
    {
        foreach (Waiting write in _writes)
        {
            // What was refused by itself had no part in the transaction.
            if ((write.Failure ?? (write.Result is { IsCommitted: false } ? null : failure)) is { } e) write.Completion.SetException(e);
            else if (write.Result is { } result) write.Completion.SetResult(result);
            else write.Completion.SetException(new InvalidOperationException("The backend did not evaluate the group that it committed."));
        }
    }

    internal sealed class Waiting(AtomicWrite write)
    {
        public AtomicWrite Write { get; } = write;

        /// <summary>What it takes, about: a delete is not for nothing either.</summary>
        public long Bytes { get; } = write.Mutations.Sum(m => 64L + m.Key.Length + m.Value.Data.Length);

        /// <summary>True if it deletes, and nothing else.</summary>
        public bool IsRelief { get; } = write.Mutations.All(m => m.Kind == KvMutationKind.Delete);

        public CommitResult? Result { get; set; }

        public Exception? Failure { get; set; }

        public TaskCompletionSource<CommitResult> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
