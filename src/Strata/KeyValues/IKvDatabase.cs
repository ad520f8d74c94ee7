namespace Strata;

/// <summary>
/// An ordered key-value database: keys are bytes in their order, writes are atomic over many keys, reads see one instant.
/// The model <c>Kv</c> puts tuples, types and queues on top; Strata keeps its own state in one.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> each backend names its own. What <see cref="AtomicWriteAsync"/> has returned, every later
/// read sees, and it outlives a crash as far as the backend's durability promises.</para>
/// <para>An entry is invisible from the millisecond of its expiry on, whether or not it has been removed by then.</para>
/// <para>Safe for any number of callers at once. Keys and values that are handed out are the caller's to read for as long
/// as it likes, and nobody's to change; those that are handed in stay as they are until the call is over.</para>
/// </remarks>
public interface IKvDatabase : IAsyncDisposable
{
    /// <summary>What the database can do, and its limits.</summary>
    KvCapabilities Capabilities { get; }

    /// <summary>Reads ranges, all of them as they are at one instant.</summary>
    /// <param name="ranges">In the order in which they are answered.</param>
    /// <param name="options">Null: strongly consistent.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">Beyond <see cref="KvCapabilities.Limits"/>.</exception>
    /// <exception cref="StorageException">The database cannot be read.</exception>
    ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken);

    /// <summary>Commits all mutations if all checks hold, else nothing.</summary>
    /// <param name="write">Checks and mutations; without any of both it commits, and takes a versionstamp.</param>
    /// <param name="cancellationToken">Ignored once the commit is dispatched.</param>
    /// <returns>The versionstamp of the commit, or the checks that failed.</returns>
    /// <exception cref="ArgumentException">Beyond <see cref="KvCapabilities.Limits"/>, or a sum over what is no number: nothing is applied.</exception>
    /// <exception cref="StorageException">Its <see cref="StorageException.Outcome"/> says whether it may have been applied.</exception>
    ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken);

    /// <summary>
    /// Tells the state of some keys: at once, and again after changes of any kind, expiry among them. Changes that come
    /// quickly are told as one: only the last state is sure to be seen.
    /// </summary>
    /// <param name="keys">What to watch.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <exception cref="ArgumentException">Beyond <see cref="KvCapabilities.Limits"/>.</exception>
    /// <exception cref="StorageException">The database cannot be read, or was closed.</exception>
    IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken);
}
