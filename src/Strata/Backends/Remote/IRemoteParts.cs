namespace Strata;

/// <summary>An upload in parts as the server has it (<see cref="RemoteUpload"/>).</summary>
internal interface IRemoteParts
{
    /// <summary>The server's name of it; null if it has none and drops parts that were never joined by itself.</summary>
    string? Id { get; }

    /// <summary>What to say if the server has dropped the parts for another write's sake; null if it has not.</summary>
    StorageException? Overtaken { get; }

    /// <summary>Sends a part; its receipt names it when it is joined.</summary>
    Task<string> SendAsync(int number, Stream content, int length, RemoteAttempt attempt);

    /// <summary>Has the server read a part from another object, if that is still what was looked at; its receipt.</summary>
    Task<string> CopyAsync(int number, RemoteSource source, long first, long last, RemoteAttempt attempt);

    /// <summary>Makes the parts the object.</summary>
    /// <param name="receipts">Of all parts, in their order.</param>
    /// <param name="headers">What it is, unless that was told at the beginning.</param>
    /// <param name="condition">What the server is to check.</param>
    /// <param name="attempt">Ends it when nothing moves.</param>
    Task JoinAsync(IReadOnlyList<KeyValuePair<int, string>> receipts, RemoteHeaders headers, RemotePrecondition condition, RemoteAttempt attempt);

    /// <summary>Drops the parts, where there is an <see cref="Id"/>.</summary>
    Task AbortAsync(RemoteAttempt attempt);
}
