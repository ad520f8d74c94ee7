using System.Text;

namespace Strata;

/// <summary>Keys of the log in words, for a person.</summary>
internal static class LogKeyText
{
    /// <summary>The keyspace of a key, such as <c>blobs</c>.</summary>
    public static string SpaceOf(ReadOnlySpan<byte> key) => (LogKeyspace)key[0] switch
    {
        LogKeyspace.Blobs => "blobs",
        LogKeyspace.Payloads => "payloads",
        LogKeyspace.ValueFiles => "valueFiles",
        LogKeyspace.Uploads => "uploads",
        LogKeyspace.Parts => "parts",
        LogKeyspace.System => "system",
        LogKeyspace.KeyValues => "keyValues",
        LogKeyspace.StateRows => "stateRows",
        _ => $"{key[0]}",
    };

    /// <summary>The key without its keyspace: a blob's as it is; of an upload also its id, of a part upload and number, of a value file its id; others in hex.</summary>
    public static string Of(ReadOnlySpan<byte> key)
    {
        try
        {
            switch ((LogKeyspace)key[0])
            {
                case LogKeyspace.Blobs or LogKeyspace.Payloads:
                    return Encoding.UTF8.GetString(key[1..]);
                case LogKeyspace.Uploads:
                    (BlobKey blob, string upload) = DiskKey.ToUpload(key);
                    return $"{blob} (upload {upload})";
                case LogKeyspace.Parts:
                    (string id, int number) = DiskKey.ToPart(key);
                    return $"upload {id}, part {number}";
                case LogKeyspace.ValueFiles:
                    return $"{DiskKey.ToFile(key):x16}";
            }
        }
        catch (ArgumentException)
        {
            // It is none of the disk store's.
        }

        return Convert.ToHexStringLower(key[1..]);
    }
}
