namespace Strata.Testing;

/// <summary>One call of a store, as a predicate sees it.</summary>
/// <param name="Operation">Which call.</param>
/// <param name="Key">The key; <c>default</c> for <see cref="StoreOperation.List"/>, <see cref="StoreOperation.ListUploads"/> and <see cref="StoreOperation.DeleteMany"/>.</param>
/// <param name="Number">Counts the calls of this operation through this wrapper, from 1.</param>
public readonly record struct StoreCall(StoreOperation Operation, BlobKey Key, long Number)
{
    /// <summary>True if the call may change what is stored.</summary>
    public bool IsChange => Operation is StoreOperation.Write or StoreOperation.Commit or StoreOperation.Delete
        or StoreOperation.DeleteMany or StoreOperation.Update or StoreOperation.Copy
        or StoreOperation.CommitPart or StoreOperation.CompleteUpload or StoreOperation.AbortUpload;
}
