namespace Strata.Reliability;

/// <summary>A request that was given up, and may yet come through.</summary>
/// <param name="Key">Of which blob.</param>
/// <param name="What">What it asks for.</param>
/// <param name="Value">What it writes; null: it deletes, or leaves the bytes as they are.</param>
/// <param name="IsCopy">Whether it brings a version and an ETag of its own, and so whoever sends it can tell what became of it.</param>
/// <param name="Length">Bytes that it brings.</param>
/// <param name="Sent">When it was given up.</param>
/// <param name="Step">In which step.</param>
/// <param name="ComeAsync">Lets it come through.</param>
internal sealed record LateRequest(BlobKey Key, string What, int? Value, bool IsCopy, long Length, DateTimeOffset Sent, int Step, Func<Task> ComeAsync);
