using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>
/// The folders of uploads, <c>uploads/ID</c>: one file a part and, while the upload is under way, a session file. Once a
/// manifest names the folder it belongs to that blob (docs/formats/disk-store.md).
/// </summary>
internal sealed class DiskUploadFiles(DiskFolder folder, ILogger log)
{
    private const string PartExtension = ".part";
    private const int IdDigits = 32;

    /// <summary>Whether a text is an upload's name: only such a one ever becomes a path.</summary>
    public static bool IsId(string? name) => name?.Length == IdDigits && name.All(char.IsAsciiHexDigitLower);

    /// <summary>The folders that have the name of an upload; others are not this store's and are left alone.</summary>
    public IReadOnlyList<string> Ids() => [.. Directory.EnumerateDirectories(folder.Uploads).Select(d => Path.GetFileName(d)).Where(IsId)];

    public bool HasSession(string id) => File.Exists(SessionOf(id));

    public string SessionOf(string id) => Path.Combine(PathOf(id), "session");

    public string PartOf(string id, int number, ulong sequence) =>
        Path.Combine(PathOf(id), string.Create(CultureInfo.InvariantCulture, $"{number:d5}.{sequence:x16}{PartExtension}"));

    /// <summary>Makes the folder of a new upload.</summary>
    public void Create(string id)
    {
        Directory.CreateDirectory(PathOf(id));
        folder.Flush(folder.Uploads);
    }

    /// <summary>Removes the session file for good: from here on the upload cannot come back.</summary>
    public void EndSession(string id)
    {
        File.Delete(SessionOf(id));
        folder.Flush(PathOf(id));
    }

    /// <summary>As <see cref="EndSession"/>, for an upload that has become a blob; a failure is logged, and tried again before the blob goes.</summary>
    public bool TryEndSession(DiskParts parts)
    {
        if (parts.IsSessionGone) return true;
        try
        {
            if (Directory.Exists(PathOf(parts.Upload))) EndSession(parts.Upload);
            return parts.IsSessionGone = true;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            log.LogWarning(e, "Cannot remove the session file of the completed upload {Upload}; it is removed later", parts.Upload);
            return false;
        }
    }

    /// <summary>Removes an upload's folder, the session first, so that no crash leaves an upload with some of its parts.</summary>
    public bool TryRemove(string id)
    {
        try
        {
            if (HasSession(id)) EndSession(id);
            if (Directory.Exists(PathOf(id))) Directory.Delete(PathOf(id), recursive: true);
            return true;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            log.LogWarning(e, "Cannot remove the folder {Path}; it is removed when the store is opened next", PathOf(id));
            return false;
        }
    }

    /// <summary>Removes the folder of a composed blob that is gone; its manifest has been removed, for good before the parts are.</summary>
    public void RemoveUnused(DiskParts parts)
    {
        // Another owner of the folder may be at work on it by now; the next opening removes what no manifest names.
        if (folder.IsClosed) return;
        try
        {
            folder.Flush(Path.GetDirectoryName(folder.PathOf(parts.Key, 0))!);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            log.LogWarning(e, "Cannot flush the removal of a composed blob; its parts {Path} are removed when the store is opened next", PathOf(parts.Upload));
            return;
        }

        TryRemove(parts.Upload);
    }

    /// <summary>Removes from a composed blob's folder what a crash left beside its parts, and reports parts that are missing or cut.</summary>
    public void Tidy(DiskParts parts, DiskScan scan)
    {
        TryEndSession(parts);
        var expected = parts.Files.ToDictionary(p => PartOf(parts.Upload, p.Number, p.Sequence), p => p.FileBytes, StringComparer.Ordinal);
        var files = new DirectoryInfo(PathOf(parts.Upload));
        foreach (FileInfo file in files.Exists ? files.EnumerateFiles() : [])
        {
            if (!expected.Remove(file.FullName, out long bytes)) folder.TryRemove(file.FullName);
            else if (file.Length != bytes) scan.Report(file.FullName, $"it has {file.Length} bytes and should have {bytes}");
        }

        foreach (string missing in expected.Keys) scan.Report(missing, "it is missing");
    }

    /// <summary>The upload whose session file is in the folder; null if that file is damaged, which is reported.</summary>
    public DiskUpload? Load(string id, DiskScan scan)
    {
        if (Read(SessionOf(id), h => h.Kind == DiskFileKind.Session && h.Upload == id, scan) is not { } session) return null;
        var upload = new DiskUpload(id, session.Info, session.FileBytes);
        foreach (string path in Directory.EnumerateFiles(PathOf(id), "*" + PartExtension))
        {
            if (Read(path, h => h.Kind == DiskFileKind.Part && h.Upload == id && PartOf(id, h.Part, h.Sequence) == path, scan) is not { } part) continue;
            DiskUploadedPart? older = upload.Keep(new DiskUploadedPart(part.Part, part.Info, part.Sequence, part.FileBytes));
            if (older is not null) folder.TryRemove(PartOf(id, older.Number, older.Sequence));
        }

        return upload;
    }

    private static DiskBlobHeader? Read(string path, Func<DiskBlobHeader, bool> belongs, DiskScan scan)
    {
        try
        {
            using SafeFileHandle file = File.OpenHandle(path);
            DiskBlobHeader header = DiskBlobFile.ReadTrailer(file);
            if (!belongs(header)) throw new InvalidDataException("its content does not belong to its name");
            scan.See(header);
            return header;
        }
        catch (InvalidDataException e)
        {
            scan.Report(path, e.Message);
            return null;
        }
    }

    private string PathOf(string id) => Path.Combine(folder.Uploads, id);
}
