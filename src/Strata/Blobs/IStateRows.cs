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
    /// the same batch and so wholly or not at all. Evictions and the removal of what has expired are not changes.
    /// </summary>
    /// <param name="recorder">
    /// Called for each change before its commit, one call at a time for a key, and by commits of several keys at once from
    /// several threads. It must be quick and do no I/O. It returns mutations, or an empty list; an exception of its own fails the
    /// change with nothing applied.
    /// </param>
    /// <exception cref="InvalidOperationException">There is a recorder already: a store has one owner.</exception>
    void Record(Func<BlobChange, IReadOnlyList<KvMutation>> recorder);
}
