namespace Strata;

/// <summary>
/// The facet of a store that keeps rows of a layer's own state in its own log or database, so that they commit with its blobs
/// in one atomic step (CONSISTENCY 2): an outbox, a set of dirty keys, tombstones, placement.
/// </summary>
public interface IStateRows
{
    /// <summary>The rows: an ordered KV that is seen in no listing of blobs. It lives as long as the store; to dispose it does nothing.</summary>
    IKvDatabase Rows { get; }

    /// <summary>
    /// Sets what decides which rows commit with a change of a blob: every write, update, copy, completed upload and delete, in
    /// the same commit and so wholly or not at all. Evictions and the removal of what has expired are not changes; a delete of
    /// what is not there is one only if it leaves a versioned tombstone (<see cref="WriteConditionKind.IfOlder"/>).
    /// </summary>
    /// <remarks>
    /// The recorder is called when a change gets its place among all commits: once for each that is about to be applied, with
    /// the changes of a key in their order, one at a time. Rows of a change have the versionstamp of its place, and checks and
    /// watches of <see cref="Rows"/> see them like any others. Where the commit fails nothing of it is there, blob or row.
    /// </remarks>
    /// <param name="recorder">
    /// Must be quick: the store's other commits wait for it. It does no I/O, calls neither the store nor its rows, and takes no
    /// lock that is held where they are called. It returns mutations that set or delete, or an empty list; anything else, or an
    /// exception of its own, fails the change with nothing applied. What it returned stays as it is until the change is over.
    /// </param>
    /// <exception cref="InvalidOperationException">There is a recorder already: a store has one owner.</exception>
    void Record(Func<BlobChange, IReadOnlyList<KvMutation>> recorder);
}
