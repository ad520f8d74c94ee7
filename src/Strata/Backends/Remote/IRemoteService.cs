namespace Strata;

/// <summary>
/// One object store as its server has it: how requests are made, and what their answers mean. What a store does with them is
/// the same for all (<see cref="RemoteStore"/>). A request that takes an attempt is sent once, and throws what
/// <see cref="Calls"/> classifies; the others see to their repetitions themselves.
/// </summary>
internal interface IRemoteService : IDisposable
{
    RemoteTraits Traits { get; }

    /// <summary>Sends what is here: attempts, pauses and time-outs.</summary>
    RemoteCalls Calls { get; }

    /// <summary>What stands before the store's own names.</summary>
    string Root { get; }

    /// <summary>The name of a key.</summary>
    /// <exception cref="StorageException">Of kind Unsupported: the server cannot hold it under this prefix.</exception>
    string NameOf(BlobKey key, string operation);

    /// <summary>Refused or Missing, if that is what an exception says; null for a fault.</summary>
    RemoteAnswer? AnswerOf(Exception error);

    /// <summary>True if an exception says that no byte lies in the range that was asked for.</summary>
    bool IsOutOfRange(Exception error);

    Task<RemoteObject> HeadAsync(BlobKey key, string name, RemoteAttempt attempt);

    /// <summary>Where the answer to a look does not tell a missing object from a missing bucket: asked once, when the first look found nothing.</summary>
    /// <exception cref="StorageException">The bucket is missing.</exception>
    ValueTask SeeContainerAsync(BlobKey key, string operation, CancellationToken cancellationToken);

    /// <summary>Asks for bytes.</summary>
    /// <param name="key">Of the blob.</param>
    /// <param name="name">Of what is read.</param>
    /// <param name="range">Null for all; from the end only with <see cref="RemoteTraits.SuffixRanges"/>, or of what is pinned.</param>
    /// <param name="pinned">What has to be there; null for anything.</param>
    /// <param name="attempt">Ends it when nothing moves.</param>
    Task<RemoteResponse> GetAsync(BlobKey key, string name, BlobRange? range, RemoteBlob? pinned, RemoteAttempt attempt);

    /// <param name="name">Of the object.</param>
    /// <param name="content">Seekable, at its beginning; left open.</param>
    /// <param name="headers">What it is.</param>
    /// <param name="condition">What the server is to check.</param>
    /// <param name="isBlob">False for what the store keeps for itself: it stays in the bucket's own class, as some are dear for small objects and others cannot be read.</param>
    /// <param name="attempt">Ends it when nothing moves.</param>
    Task PutAsync(string name, Stream content, RemoteHeaders headers, RemotePrecondition condition, bool isBlob, RemoteAttempt attempt);

    /// <param name="name">Of the object.</param>
    /// <param name="etag">What has to be there; null for anything.</param>
    /// <param name="attempt">Ends it when nothing moves.</param>
    Task RemoveAsync(string name, string? etag, RemoteAttempt attempt);

    /// <summary>Removes up to <see cref="RemoteTraits.MostInOneDelete"/> objects; tells those that stay.</summary>
    Task<IReadOnlyList<RemoteRefusal>> RemoveManyAsync(IReadOnlyCollection<string> names, RemoteAttempt attempt);

    /// <summary>What the server needs to read a blob itself.</summary>
    ValueTask<RemoteSource> SourceAsync(RemoteBlob blob, string operation, CancellationToken cancellationToken);

    /// <summary>Copies on the server, if the source is still what was looked at; false if it turns out to be another.</summary>
    Task<bool> CopyAsync(RemoteSource source, string target, RemoteHeaders headers, RemotePrecondition condition, RemoteAttempt attempt);

    /// <summary>Writes an object's record anew where its bytes stay, with <see cref="RemoteTraits.UpdatesInPlace"/>.</summary>
    Task RestateAsync(string name, RemoteHeaders headers, RemotePrecondition condition, RemoteAttempt attempt);

    /// <summary>Shows others the types of a copied or restated object, if that takes a request of its own, as long as it is the one that a write made.</summary>
    Task ShowTypesAsync(BlobKey key, string name, RemoteHeaders headers, string writeId, RemoteAttempt attempt);

    /// <summary>Begins an upload in parts.</summary>
    /// <param name="key">What it will be.</param>
    /// <param name="headers">What is known of it, with <see cref="RemoteTraits.DescribesAtBegin"/>.</param>
    /// <param name="writeId">Names the write.</param>
    /// <param name="isBlob">False for what the store keeps for itself.</param>
    /// <param name="cancellationToken">Gives up.</param>
    ValueTask<IRemoteParts> BeginAsync(BlobKey key, RemoteHeaders headers, string writeId, bool isBlob, CancellationToken cancellationToken);

    /// <summary>The server's pages of what is behind a request's position: keys and common prefixes in one order, expired or not.</summary>
    /// <param name="request">A validated one.</param>
    /// <param name="isOwn">False to leave out what is the store's own.</param>
    /// <param name="cancellationToken">Gives up.</param>
    IAsyncEnumerable<RemotePage> PagesAsync(ListRequest request, bool isOwn, CancellationToken cancellationToken);

    /// <summary>Ends the server's own unfinished uploads that were begun before a time; tells how many.</summary>
    /// <param name="before">When.</param>
    /// <param name="isOurs">Whether this store is sending one, by its <see cref="IRemoteParts.Id"/>.</param>
    /// <param name="cancellationToken">Gives up between two.</param>
    ValueTask<int> EndUploadsAsync(DateTimeOffset before, Func<string, bool> isOurs, CancellationToken cancellationToken);
}
