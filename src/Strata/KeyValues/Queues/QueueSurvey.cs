namespace Strata;

/// <summary>What queues a database has, and about how much they hold, at a bounded cost; <see cref="KvQueue.GetStatusAsync"/> counts one of them exactly.</summary>
internal static class QueueSurvey
{
    /// <summary>How many queues are looked at.</summary>
    public const int MaxQueues = 20;

    /// <summary>How far the messages of a queue are counted, and its dead letters.</summary>
    public const int MaxCounted = 1_000;

    /// <summary>Looks at the queues, in the order of their keys; one that has ever had a message counts. Reads keys alone.</summary>
    /// <exception cref="StorageException">The database cannot be read.</exception>
    public static async ValueTask<IReadOnlyList<QueueCount>> ReadAsync(IKvDatabase database, CancellationToken cancellationToken)
    {
        int most = Math.Min(MaxCounted, database.Capabilities.Limits.MaxEntries);
        List<QueueCount> queues = [];
        ReadOnlyMemory<byte> start = QueueKeys.First;
        for (int looks = 0; looks < MaxQueues; looks++)
        {
            IReadOnlyList<KvRange> next = await database.SnapshotReadAsync([new ReadRange(start, QueueKeys.End, 1, KeysOnly: true)], null, cancellationToken).ConfigureAwait(false);
            if (next[0].Entries is not [var first]) break;
            if (QueueKeys.NameOf(first.Key) is not { } name)
            {
                // Nobody's: others can write here too.
                start = (byte[])[.. first.Key.Span, 0];
                continue;
            }

            var keys = new QueueKeys(name);
            IReadOnlyList<KvRange> counted = await database.SnapshotReadAsync([keys.MessagesUntil(null, most, keysOnly: true), keys.AllDeadLetters(most, keysOnly: true)], null, cancellationToken).ConfigureAwait(false);
            queues.Add(new QueueCount(name, counted[0].Entries.Count, counted[1].Entries.Count));
            start = keys.After;
        }

        return queues;
    }
}

/// <summary>About how much a queue holds.</summary>
/// <param name="Name">The queue; empty: the one without a name.</param>
/// <param name="Messages">Messages not yet handled; <see cref="QueueSurvey.MaxCounted"/> stands for so many or more.</param>
/// <param name="DeadLetters">Messages given up; counted in the same way.</param>
internal sealed record QueueCount(string Name, int Messages, int DeadLetters);
