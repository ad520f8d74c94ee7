namespace Strata;

/// <summary>A part as the one who completes an upload knows it.</summary>
/// <param name="Number">1 to <see cref="IMultipartUploads.MaxParts"/>.</param>
/// <param name="ETag">The ETag that its commit returned.</param>
public readonly record struct PartReference(int Number, string ETag);
