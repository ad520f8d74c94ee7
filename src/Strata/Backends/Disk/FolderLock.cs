using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Strata;

/// <summary>
/// The one owner of a folder: whoever holds the operating system's lock on <c>owner.lock</c>. Beside it, <c>owner.json</c>
/// (mode 0600) tells others who that is; a stale one, left by a process that died, means nothing (CONSISTENCY 12).
/// </summary>
/// <remarks>Two files, because .NET on Unix cannot open a locked file, not even to read it.</remarks>
internal sealed class FolderLock : IDisposable
{
    private const string LockFile = "owner.lock", OwnerFile = "owner.json";
    private const int Protocol = 1;
    private readonly string _folder;
    private readonly FileStream _lock;
    private readonly Lock _gate = new();
    private bool _isGiven;

    private FolderLock(string folder, FileStream held)
    {
        _folder = folder;
        _lock = held;
        Owner = new FolderOwner(null, Guid.NewGuid().ToString("n"), Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)), Protocol, Environment.ProcessId);
        Write();
    }

    /// <summary>This process, as others see it.</summary>
    public FolderOwner Owner { get; private set; }

    /// <summary>Creates the folder if it is missing and takes it.</summary>
    /// <exception cref="StorageException">Of kind Owned, AccessDenied, Full or Unavailable.</exception>
    public static FolderLock Take(string folder, string store)
    {
        try
        {
            Directory.CreateDirectory(folder);
            var held = new FileStream(Path.Combine(folder, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            try
            {
                return new FolderLock(folder, held);
            }
            catch
            {
                held.Dispose();
                throw;
            }
        }
        catch (IOException e) when (IsHeld(e))
        {
            string who = Read(folder) is { } owner ? $"process {owner.ProcessId}{(owner.Address is { } at ? $" (serving at {at})" : "")}" : "another process";
            throw new StorageException(StorageErrorKind.Owned, $"The folder {folder} is in use by {who}. A folder has one owner at a time: stop it, or work through it.", e) { Operation = "open", Store = store };
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Map(e, "open", null, store, folder);
        }
    }

    /// <summary>Who holds the folder now; null if nobody does.</summary>
    public static FolderOwner? Find(string folder)
    {
        string path = Path.Combine(folder, LockFile);
        try
        {
            // Every owner writes its file; where there is none the lock is not even tried, so that looking never disturbs a start.
            if (Read(folder) is null || !File.Exists(path)) return null;
            using (new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0)) return null;
        }
        catch (IOException e) when (IsHeld(e))
        {
            return Read(folder);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Map(e, "read", null, "folder", folder);
        }
    }

    /// <summary>Tells others where this process can be reached, and by which certificates they know it.</summary>
    public void Announce(Uri address, IReadOnlyList<string>? certificates)
    {
        lock (_gate)
        {
            // A certificate may be renewed at any moment; the file of the next owner is not ours to write.
            if (_isGiven) return;
            Owner = Owner with { Address = address, Certificates = certificates };
            Write();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_isGiven) return;
            _isGiven = true;
            try
            {
                File.Delete(Path.Combine(_folder, OwnerFile));
            }
            catch (Exception e) when (DiskErrors.IsDiskError(e))
            {
                // The lock alone says who owns the folder; a stale file means nothing.
            }

            _lock.Dispose();
        }
    }

    private static bool IsHeld(IOException e) => e.GetType() == typeof(IOException) && e.HResult is 11 or 35 or unchecked((int)0x80070020);

    private static FolderOwner? Read(string folder)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(folder, OwnerFile)), FolderOwnerJson.Default.FolderOwner);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e) || e is JsonException)
        {
            return null;
        }
    }

    private void Write()
    {
        string path = Path.Combine(_folder, OwnerFile), temporary = path + ".new";
        File.Delete(temporary);
        var create = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(temporary, create)) JsonSerializer.Serialize(file, Owner, FolderOwnerJson.Default.FolderOwner);
        File.Move(temporary, path, overwrite: true);
    }
}

/// <summary>The shape of <c>owner.json</c>.</summary>
internal sealed record FolderOwner(Uri? Address, string InstanceId, string Token, int ProtocolVersion, int ProcessId, IReadOnlyList<string>? Certificates = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(FolderOwner))]
internal sealed partial class FolderOwnerJson : JsonSerializerContext;
