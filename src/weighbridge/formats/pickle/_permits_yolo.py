"""Classes of YOLOv5 to v9 and their kin, which save whole models under the module names of their own repositories.

``models.common`` is whatever folder lies beside the program: the name alone says nothing of who wrote the code, but
the code is the loading program's own, and the instance is made without running its ``__init__``.
"""

from __future__ import annotations

from weighbridge.formats.pickle.permit import INSTANCE, Permit, group

_COMMON = (
    "AutoShape,Autoshape,BottleneckCSP,Bottleneck,C3,C3Ghost,C3SPP,C3TR,C3x,Classify,Concat,Contract,Conv,CrossConv,DWConv,"
    "DWConvTranspose2d,Detections,Expand,Focus,Fold,GhostBottleneck,GhostConv,Proto,SPP,SPPF,SPPCSPC,TransformerBlock,"
    "TransformerLayer,NMS,MP,SP,Ensemble,MixConv2d,Sum,ImplicitA,ImplicitM,RepConv,RepConv_OREPA,Stem,ELAN1,SPPELAN,"
    "RepNCSPELAN4,RepNCSP,RepNBottleneck,RepConvN,ADown,AConv,CBLinear,CBFuse,Silence,DFL,Chuncat,Shortcut,ReOrg,"
    "DownC,GhostCSPA,Res,ResX,ST2CSPB"
)

YOLO: dict[tuple[str, str], Permit] = group(
    "a layer of a YOLO model, made without running its __init__; its code is the loading program's own",
    "models.yolo:Model,DetectionModel,SegmentationModel,ClassificationModel,BaseModel,Detect,Segment,IDetect,IAuxDetect,IBin,"
    f"IKeypoint,DDetect,DualDDetect,DualDetect,TripleDDetect models.common:{_COMMON} models.experimental:{_COMMON}"
    " utils.loss:ComputeLoss utils.autoanchor:Anchors utils.torch_utils:ModelEMA",
    ways=INSTANCE,
)
