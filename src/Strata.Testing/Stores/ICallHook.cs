namespace Strata.Testing;

/// <summary>What a misbehaving store does around each call of what it wraps.</summary>
internal interface ICallHook
{
    ValueTask<T> RunAsync<T>(StoreOperation operation, BlobKey key, Func<ValueTask<T>> run, CancellationToken cancellationToken);

    /// <summary>A writer whose appends and commit are such calls, too.</summary>
    IBlobWriter Wrap(IBlobWriter writer, BlobKey key, StoreOperation commit);
}
