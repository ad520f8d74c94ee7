using System.Security.Cryptography;

namespace Strata;

/// <summary>
/// What a delete leaves in an object store where it must leave something: a few bytes that have already expired, so that every
/// reader takes them for nothing, with the delete's version, so that no older copy passes them (CONSISTENCY 1).
/// </summary>
internal static class RemoteTombstone
{
    /// <summary>The length of all of them, by which a listing tells what may be one.</summary>
    public const int Bytes = 16;

    /// <summary>The shortest time that a store may be told to keep them: the longest request may live for 15 minutes (CONSISTENCY 5).</summary>
    public static readonly TimeSpan LeastRetention = TimeSpan.FromMinutes(30);

    private static readonly TimeSpan MostRetention = TimeSpan.FromDays(366);

    /// <summary>The record of one.</summary>
    public static BlobInfo Describe(BlobKey key, BlobVersion version, DateTimeOffset now)
    {
        DateTimeOffset time = NewBlob.ToMilliseconds(now);
        return new BlobInfo { Key = key, Length = Bytes, ETag = version.ToETag(), Version = version, Created = time, Modified = time, Expires = DateTimeOffset.UnixEpoch };
    }

    /// <summary>Its content: random, so that no two of them have one ETag where that is a digest.</summary>
    public static byte[] NewContent() => RandomNumberGenerator.GetBytes(Bytes);

    /// <summary>Whether it is one.</summary>
    public static bool Is(RemoteBlob blob) => blob.Info.Length == Bytes && blob.Info.Expires == DateTimeOffset.UnixEpoch && blob.WriteId is not null;

    /// <exception cref="ArgumentException">The retention is out of its range.</exception>
    public static void Check(TimeSpan? retention, string name)
    {
        if (retention is { } time && (time < LeastRetention || time > MostRetention))
            throw new ArgumentException($"{name} must be {LeastRetention} to {MostRetention}; it is {time}.", name);
    }
}
