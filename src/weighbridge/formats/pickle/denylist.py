"""What is known to be dangerous, so that a report can say why. The list is an aid, not the wall.

Safety rests on the allowlist: a name that neither list holds is unknown, and unknown is never called safe. A module
named here is dangerous with everything below it; where the allowlist holds an exact name, the allowlist is asked first.
"""

from __future__ import annotations

_COMMANDS = "can run other programs"
_CODE = "can run code given as text or bytes"
_IMPORTS = "can import or reach any other code by name"
_LOADS = "loads another file or stream that may itself run code"
_FILES = "can read, write or delete files"
_NETWORK = "can open network connections"
_PROCESS = "changes or ends the running process, or starts others"
_NATIVE = "can load native libraries or reach raw memory"
_LATER = "makes a function that calls another when it is used"

_MODULES: dict[str, str] = {
    _COMMANDS: (
        "os posix nt subprocess _posixsubprocess pty popen2 commands sh plumbum pexpect fabric paramiko invoke"
        " distutils setuptools pip ensurepip venv pydoc webbrowser antigravity idlelib _aix_support _osx_support"
        " platform torch.utils.collect_env torch.utils.cpp_extension torch.utils.bottleneck numpy.distutils"
        " multiprocessing concurrent asyncio lib2to3 IPython cgitb test"
    ),
    _CODE: (
        "code codeop runpy timeit trace pdb bdb cProfile profile doctest rlcompleter compileall py_compile zipapp"
        " marshal sympy.parsing numexpr numpy.f2py numpy.testing torch.jit torch.fx torch._dynamo torch._inductor"
        " torch.distributed torch.package torch.onnx torch.testing torch.utils.model_zoo unittest _testcapi"
        " _xxsubinterpreters interpreters execnet cffi numba llvmlite"
    ),
    _IMPORTS: (
        "importlib imp _frozen_importlib _frozen_importlib_external pkgutil pkg_resources zipimport operator _operator"
        " inspect types dataclasses gc sys site sitecustomize usercustomize modulefinder nose"
    ),
    _LOADS: (
        "pickle _pickle cPickle cloudpickle dill jsonpickle shelve joblib yaml torch.hub torch.serialization"
        " torch.utils.serialization logging.config nltk.data scipy.io sklearn.utils._joblib keras.saving"
        " keras.src.saving keras.models huggingface_hub datasets"
    ),
    _FILES: (
        "shutil tempfile io _io _pyio fileinput linecache glob pathlib zipfile tarfile sqlite3 dbm mmap fcntl turtle"
        " numpy.lib._datasource numpy.lib.npyio numpy.lib._npyio_impl gzip bz2 lzma logging.handlers"
    ),
    _NETWORK: (
        "socket _socket ssl http httplib urllib urllib2 urllib3 requests httpx aiohttp smtplib ftplib poplib imaplib"
        " nntplib telnetlib xmlrpc socketserver SocketServer wsgiref smtpd keras.src.utils.file_utils"
    ),
    _PROCESS: "signal _signal atexit threading _thread faulthandler sched resource",
    _NATIVE: "ctypes _ctypes numpy.ctypeslib torch.ops torch._ops torch.classes torch._classes",
}

_NAMES: dict[str, str] = {
    _CODE: (
        "builtins:eval,exec,execfile,compile,input,raw_input,breakpoint typing:ForwardRef pandas:eval"
        " pandas.core.computation.eval:eval"
    ),
    _IMPORTS: (
        "builtins:__import__,getattr,setattr,delattr,globals,locals,vars,reload,apply,__build_class__,__loader__,help"
        " copyreg:add_extension,pickle,constructor"
    ),
    _FILES: (
        "builtins:open,file codecs:open,EncodedFile numpy:memmap,fromfile,save,savez,savez_compressed,savetxt,"
        "genfromtxt,loadtxt torch:save"
    ),
    _LOADS: "numpy:load torch:load pandas:read_pickle transformers:pipeline",
    _LATER: "functools:reduce builtins:map,filter",
    _PROCESS: "builtins:exit,quit",
    _NATIVE: "torch:ops,classes,compile",
}

_STEPS = frozenset(
    [
        "os",
        "sys",
        "subprocess",
        "posix",
        "nt",
        "builtins",
        "modules",
        "system",
        "popen",
        "popen2",
        "popen3",
        "popen4",
        "spawn",
        "spawnl",
        "spawnv",
        "spawnve",
        "fork",
        "exec",
        "execv",
        "execve",
        "eval",
        "compile",
        "getattr",
        "setattr",
        "open",
        "load",
        "loads",
        "import_module",
        "run",
        "call",
        "check_call",
        "check_output",
        "Popen",
        "_os",
        "_sys",
        "importlib",
        "runpy",
        "shutil",
        "socket",
        "pickle",
        "ctypes",
        "io",
        "pathlib",
    ]
)

_ORIGINS: dict[str, str] = {module: reason for reason, modules in _MODULES.items() for module in modules.split()}
_EXACT: dict[tuple[str, str], str] = {
    (entry.partition(":")[0], name): reason
    for reason, entries in _NAMES.items()
    for entry in entries.split()
    for name in entry.partition(":")[2].split(",")
}


def danger(module: str, name: str) -> str:
    """Why this import is dangerous; "" where nothing says that it is."""
    steps = name.split(".")
    if reason := _EXACT.get((module, steps[0])) or _origin(module):
        return reason
    if len(steps) > 1:
        return _danger_on_the_way(module, steps)
    if name.lstrip("_") in _ORIGINS:
        return f"is the module {name.lstrip('_')}, reached as an attribute of another"
    return ""


def _danger_on_the_way(module: str, steps: list[str]) -> str:
    """A dotted name walks from attribute to attribute, out of its module and into whatever that one imported."""
    path = module
    for step in steps:
        path = f"{path}.{step}"
        if _origin(path):
            return _origin(path)
        if step.strip("_") in _STEPS or (step.startswith("__") and step.endswith("__")):
            return f"walks through {step!r} to code that its module's name does not show"
    return ""


def _origin(module: str) -> str:
    """The reason listed for a module or for any package that holds it."""
    while module:
        if module in _ORIGINS:
            return _ORIGINS[module]
        module = module.rpartition(".")[0]
    return ""
