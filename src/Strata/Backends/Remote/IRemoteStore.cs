namespace Strata;

/// <summary>What the parts that stores over a network share ask of one. Keys of the store's own are allowed here, and expired blobs are blobs.</summary>
internal interface IRemoteStore
{
    StoreCapabilities Capabilities { get; }

    /// <summary>How long deletes leave tombstones; null: they do not.</summary>
    TimeSpan? KeepsTombstones { get; }

    /// <summary>How many requests of one operation go side by side.</summary>
    int Parallelism { get; }

    /// <exception cref="StorageException">Of kind Closed.</exception>
    OperationGate.Pass Enter(string operation);

    /// <summary>Refuses what no caller may name.</summary>
    void CheckKey(BlobKey key, string operation);

    BlobVersion NextVersion();

    /// <summary>What is behind a request's position, page by page and in order; under an empty prefix nothing of the store's own.</summary>
    IAsyncEnumerable<IReadOnlyList<RemoteListed>> ListAsync(ListRequest request, CancellationToken cancellationToken);

    /// <summary>A blob as its own headers say; null if there is none.</summary>
    ValueTask<RemoteBlob?> HeadAsync(BlobKey key, string operation, CancellationToken cancellationToken);

    /// <summary>The same with what its appendix says.</summary>
    ValueTask<RemoteBlob?> FindAsync(BlobKey key, string operation, CancellationToken cancellationToken);

    /// <summary>The bytes of a blob that was looked at; null if it is another by now.</summary>
    ValueTask<BlobReadResult?> ReadAsync(RemoteBlob of, CancellationToken cancellationToken);

    /// <summary>Begins to write something of the store's own.</summary>
    IBlobWriter OpenWriter(BlobKey key);

    /// <summary>Removes what is the store's own, appendices included; no tombstones are left.</summary>
    /// <exception cref="StorageException">One could not be removed; others may have been.</exception>
    ValueTask RemoveOwnAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken);

    /// <summary>Makes pieces, one after the other, a blob. Missing: a piece is no longer what was looked at.</summary>
    /// <param name="key">The blob's.</param>
    /// <param name="pieces">Of the store's own.</param>
    /// <param name="length">Of all of them.</param>
    /// <param name="checksum">Of all of them.</param>
    /// <param name="options">Types, metadata, expiry and condition.</param>
    /// <param name="commit">What was told last.</param>
    /// <param name="cancellationToken">Gives up before the commit.</param>
    ValueTask<WriteResult> JoinAsync(
        BlobKey key, IReadOnlyList<RemoteBlob> pieces, long length, uint checksum, WriteOptions options, CommitOptions commit, CancellationToken cancellationToken);

    /// <summary>Removes an invisible blob that nobody needs any more, if it is still what was looked at.</summary>
    ValueTask<RemoteRemoval> RemoveDueAsync(RemoteBlob found);

    /// <summary>Removes an appendix by its name.</summary>
    ValueTask RemoveAppendixAsync(string name);

    /// <summary>Ends the server's own unfinished uploads that were begun before a time, but for those of this store; tells how many.</summary>
    ValueTask<int> EndUploadsAsync(DateTimeOffset before, CancellationToken cancellationToken);
}
